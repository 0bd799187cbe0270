"""What the device-days say, and changes of them: names of places, recomputation, faulty data."""

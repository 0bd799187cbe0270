"""Values and rules of the register: vehicles, recorders, licences, people."""

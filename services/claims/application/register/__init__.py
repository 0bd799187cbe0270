"""Use cases of the register: claimants, vehicles, devices, recorders and readings, licences, attachments, corrections."""

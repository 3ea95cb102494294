"""The words of the appliance as frozen types: standard library and numpy only, no I/O."""

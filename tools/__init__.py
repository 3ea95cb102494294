"""For developers: generated pages, conversions, training. Nothing here runs in the appliance."""

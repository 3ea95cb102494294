"""What `appliance doctor` looks at, one module for each part of the appliance."""

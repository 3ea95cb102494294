"""DICOMweb (PS3.18) as the appliance offers it itself."""

"""From stored DICOM objects to studies, volumes and planar images whose geometry and values can be trusted."""

"""Taking result objects to where they are read: the node's Orthanc, and PACS by C-STORE or STOW-RS."""

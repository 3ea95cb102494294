"""What may come in: decided on the raw bytes of an object, before any DICOM library sees them.

Standard library only, and nothing of the rest of the appliance: Orthanc's own interpreter (Python 3.11 and later) runs
these files through `orthanc/plugin`, where a hostile object would otherwise take the whole node down.
"""

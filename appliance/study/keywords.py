"""The DICOM keywords that are read from headers; what is not listed here no rule and no model can ask for."""

# fmt: off

PATIENT_AND_STUDY_KEYWORDS = frozenset(
    {
        "SpecificCharacterSet", "PatientName", "PatientID", "IssuerOfPatientID", "PatientBirthDate", "PatientSex",
        "PatientAge", "PatientSize", "PatientWeight", "PregnancyStatus", "PatientIdentityRemoved",
        "StudyInstanceUID", "StudyID", "StudyDate", "StudyTime", "StudyDescription", "AccessionNumber",
        "ReferringPhysicianName", "InstitutionName", "NumberOfStudyRelatedSeries", "NumberOfStudyRelatedInstances",
        "TimezoneOffsetFromUTC",
    }
)
"""Patient, Patient Study and General Study Modules (PS3.3 C.7.1.1, C.7.2)."""

SERIES_KEYWORDS = frozenset(
    {
        "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "SeriesDate", "SeriesTime", "Modality",
        "Laterality", "BodyPartExamined", "ProtocolName", "PatientPosition", "PresentationIntentType",
        "FrameOfReferenceUID", "PositionReferenceIndicator", "NumberOfSeriesRelatedInstances",
        "RequestedProcedureDescription", "PerformedProcedureStepDescription",
    }
)
"""General Series and Frame of Reference Modules (C.7.3.1, C.7.4.1)."""

EQUIPMENT_KEYWORDS = frozenset(
    {
        "Manufacturer", "ManufacturerModelName", "StationName", "SoftwareVersions", "DeviceSerialNumber",
        "ConversionType", "SecondaryCaptureDeviceManufacturer",
    }
)
"""General Equipment and SC Equipment Modules (C.7.5.1, C.8.6.1)."""

IMAGE_KEYWORDS = frozenset(
    {
        "SOPClassUID", "SOPInstanceUID", "ImageType", "InstanceNumber", "AcquisitionNumber", "AcquisitionDate",
        "AcquisitionTime", "ContentDate", "ContentTime", "ImagesInAcquisition", "NumberOfTemporalPositions",
        "TemporalPositionIdentifier", "NumberOfFrames", "BurnedInAnnotation", "LossyImageCompression",
        "LossyImageCompressionRatio", "DerivationDescription", "ImageComments", "QualityControlImage",
        "SamplesPerPixel", "PhotometricInterpretation", "Rows", "Columns", "BitsAllocated", "BitsStored",
        "PixelRepresentation", "PixelPaddingValue", "RescaleSlope", "RescaleIntercept", "RescaleType", "Units",
        "WindowCenter", "WindowWidth", "PixelSpacing", "ImagerPixelSpacing", "NominalScannedPixelSpacing",
        "PixelAspectRatio", "SliceThickness", "SpacingBetweenSlices", "SliceLocation", "ImagePositionPatient",
        "ImageOrientationPatient", "ImageLaterality", "PatientOrientation", "ViewPosition",
    }
)
"""General Image, Image Pixel, Image Plane and Modality LUT Modules (C.7.6, C.11.1)."""

ACQUISITION_KEYWORDS = frozenset(
    {
        "KVP", "ConvolutionKernel", "ReconstructionDiameter", "GantryDetectorTilt", "ExposureTime",
        "XRayTubeCurrent", "Exposure", "FilterType", "ContrastBolusAgent", "ContrastBolusRoute",
        "ContrastBolusVolume", "ScanOptions", "CTDIvol", "ScanningSequence", "SequenceVariant", "SequenceName",
        "PulseSequenceName", "MRAcquisitionType", "RepetitionTime", "EchoTime", "EffectiveEchoTime", "EchoNumbers",
        "EchoTrainLength", "InversionTime", "InversionTimes", "FlipAngle", "MagneticFieldStrength",
        "DiffusionBValue", "ReceiveCoilName", "AcquisitionContrast", "ComplexImageComponent",
        "VolumetricProperties", "ParallelAcquisition", "AngioFlag", "Grid", "DistanceSourceToDetector",
        "DistanceSourceToPatient", "PositionerType", "PositionerPrimaryAngle", "FieldOfViewShape",
        "BreastImplantPresent", "PartialView", "CompressionForce", "DetectorType", "PixelIntensityRelationship",
        "PixelIntensityRelationshipSign", "PresentationLUTShape", "Radiopharmaceutical", "FrameLaterality",
        "StackID", "ConcatenationUID", "InConcatenationNumber", "InConcatenationTotalNumber",
    }
)
"""CT, MR, PET, DX, MG and US acquisition attributes that tell protocols apart (C.8)."""

READ_KEYWORDS = frozenset(
    PATIENT_AND_STUDY_KEYWORDS | SERIES_KEYWORDS | EQUIPMENT_KEYWORDS | IMAGE_KEYWORDS | ACQUISITION_KEYWORDS
)

DERIVED_KEYWORDS = frozenset({"NumberOfSlices", "Orientation", "SliceSpacing", "ImagesInSeries"})
"""Not DICOM: what the positions of all slices of a series say together, and what a PET header counts (`expected`)."""

"""The one error tree. Callers branch on the class, people on the code; the message text is no API.

ApplianceError
├── UsageError                    a command or a request has no meaning
│   ├── RequestMalformed, RequestTooSlow, RequestTooLarge, MediaTypeUnsupported, NotAcceptable
│   ├── StudyContradicted         an object that was sent to a study that is not its own
│   └── LinkMalformed             a link into the viewer that does not say what it wants
├── SettingsError                 a setting is missing or contradicts another
│   ├── RulesInvalid              the routing rules are not valid
│   └── RulesConflict             these rules are in force already, or others have just been activated
├── InputRefused                  this input cannot give a trustworthy result
│   ├── UnreadableObject          not DICOM, or damaged beyond its header
│   ├── UidContested              two different objects under one SOP Instance UID
│   ├── UnsupportedTransferSyntax
│   ├── PixelsDamaged
│   ├── PixelsUnsupported         photometric interpretation, bit depth, missing attributes
│   ├── GeometryRefused           the slices form no volume that can be trusted
│   │   ├── GeometryMissing, OrientationMixed, GantryTilt, SpacingUneven, SlicesMissing
│   │   └── SlicesDuplicated, MatrixMixed, FrameOfReferenceMixed, TooFewSlices
│   ├── RescaleMixed              rescale units or types differ between slices
│   ├── ModalityContradicted      intensities contradict the Modality in the header
│   ├── QualityInsufficient       a quality gate says the images cannot carry a result
│   ├── NotApplicable             the series does not meet the criteria of the model
│   ├── AnatomyNotFound           the structure that a model looks for is not in the image
│   ├── InputTooLarge
│   ├── DecodingCrashed, DecodingOutOfMemory, DecodingTooSlow
│   └── KeptOut                   the gate keeps the object out; one class for each of its reasons
│       ├── NotDicom, ObjectTooLarge, MetaHeaderWrong, TransferSyntaxUnknown, InflationRefused
│       ├── StructureBroken, ValueRepresentationUnknown, NestedTooDeep, TooManyElements, ElementTwice
│       ├── UidMissing, UidInvalid, ImageTooLarge, PixelDataShort
│       └── GateDefect, OrthancCrashed
├── ModelPackageError             a model package must not be used
│   ├── UnknownModel, ManifestInvalid, ModelFileChanged, WeightsMissing, RecipeRefused, GoldenCaseFailed
│   └── RuntimeMismatch           provider, precision or output is not what was asked for
├── ResultRefused                 a result object failed its own read-back
├── DestinationRefused            the destination answered with a permanent failure
│   ├── DestinationConflict       it holds other content under the same SOP Instance UID
│   └── BurntInTextRefused        it wants nothing of studies with text in their pixels
├── LedgerError
│   ├── UnknownFinding            somebody answers what is not, or no longer, found
│   ├── UnknownStudy, UnknownWorkitem, UnknownRevision, LeaseLost, AttemptsExhausted, TimeLimitExceeded
│   ├── UnknownObject, NotReleasable      of the quarantine
│   └── UnknownReading, ReadingClaimed, ReadingNotClaimed, ReadingFinal, ViewRefused      of the worklist
├── AccountError                  an account cannot be made or changed so
│   └── AccountRefused, PasswordRefused, UnknownAccount, UnknownToken
├── AccessDenied                  who asks may not
│   └── NotSignedIn, SignInRefused, SignInDelayed, OpenIdRefused, NotPermitted, RequestForged
├── PageUnknown                   there is nothing at this address
├── ViewerMissing                 OHIF was not brought in
└── TransientError                trying again later may succeed
    ├── OrthancUnavailable, DestinationUnavailable, DestinationForgot, QueueUnavailable, LedgerUnavailable
    └── OpenIdUnavailable, MemoryShort, StorageShort, NodeNotReady
"""

from collections.abc import Sequence
from typing import ClassVar

from appliance.domain.rule_problem import RuleProblem


class ApplianceError(Exception):
    """Base of every error the appliance raises on purpose.

    `code` is stable and documented in runbooks/error-codes.md; `title` says what the class of error is,
    `remedy` what to do. `where` names a UID, a file or a setting, never a patient.
    """

    code: ClassVar[str] = "appliance-error"
    title: ClassVar[str] = "The appliance could not do this"
    remedy: ClassVar[str] = "Look up the code in runbooks/error-codes.md."
    http_status: ClassVar[int] = 500

    def __init__(self, what: str = "", *, where: str = "") -> None:
        self.what = what or self.title
        self.where = where
        super().__init__(self.what)

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        return f"{self.code}: {self.what}{place}"


class UsageError(ApplianceError):
    code = "usage"
    title = "The command was used in a way that has no meaning"
    remedy = "Run the command with --help."
    http_status = 400


class RequestMalformed(UsageError):
    code = "request-malformed"
    title = "The request cannot be understood"
    remedy = "Correct the request; what was stored before it broke off is stored, and sending it again is harmless."


class RequestTooSlow(UsageError):
    code = "request-too-slow"
    title = "The sender was silent for too long within a request"
    remedy = "Send it again; raise uploads.patience_s if the network is that slow."
    http_status = 408


class RequestTooLarge(UsageError):
    code = "request-too-large"
    title = "The request has more bytes or more parts than the limit allows"
    remedy = "Send less at once, or raise uploads.request_mib, uploads.parts or limits.file_mib."
    http_status = 413


class MediaTypeUnsupported(UsageError):
    code = "request-media-type"
    title = "The request has a media type or encoding that is not taken here"
    remedy = 'Send multipart/related; type="application/dicom", uncompressed.'
    http_status = 415


class NotAcceptable(UsageError):
    code = "request-not-acceptable"
    title = "There is no answer in the media types that the request accepts"
    remedy = "Accept application/dicom+json."
    http_status = 406


class StudyContradicted(UsageError):
    code = "request-study-contradicted"
    title = "The object belongs to another study than it was sent to"
    remedy = "Send it to /dicom-web/studies, or to the study that its header names."
    http_status = 409


class LinkMalformed(UsageError):
    code = "link-malformed"
    title = "The link to the viewer cannot be understood"
    remedy = "Have the system that made the link write it as runbooks/viewer.md says."


class SettingsError(ApplianceError):
    code = "settings-invalid"
    title = "A setting is missing or wrong"
    remedy = "Correct the named setting in appliance.toml or in the environment."


class RulesInvalid(SettingsError):
    code = "rules-invalid"
    title = "The routing rules are not valid"
    remedy = "Correct every place that is named; `appliance rules check FILE` reads the file again."
    http_status = 422

    def __init__(self, problems: Sequence[RuleProblem] = (), *, where: str = "") -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in problems), where=where)


class RulesConflict(SettingsError):
    code = "rules-conflict"
    title = "The rules were not activated: they are in force already, or others came first"
    remedy = "Look at `appliance rules history`."
    http_status = 409


class InputRefused(ApplianceError):
    code = "input-refused"
    title = "The input cannot give a result that could be trusted"
    remedy = "Read the reason; send a corrected or complete series if there is one."
    http_status = 422


class UnreadableObject(InputRefused):
    code = "input-unreadable"
    title = "The object is not readable as DICOM"
    remedy = "Send the object again from its source; if it fails again, the source file is damaged."


class UidContested(InputRefused):
    code = "input-uid-contested"
    title = "Two different objects claim one SOP Instance UID"
    remedy = "Find out which of them is right, and give the other a UID of its own."


class UnsupportedTransferSyntax(InputRefused):
    code = "input-transfer-syntax"
    title = "The pixel data is encoded in a way that cannot be decoded here"
    remedy = "Ask the sender for another transfer syntax, such as Explicit VR Little Endian."


class PixelsDamaged(InputRefused):
    code = "input-pixels-damaged"
    title = "The pixel data is truncated or does not decode"
    remedy = "Send the instance again from its source."


class PixelsUnsupported(InputRefused):
    code = "input-pixels-unsupported"
    title = "The image pixel attributes are missing, contradictory or not supported"
    remedy = "Check Photometric Interpretation, Bits Allocated and Samples per Pixel of the instance."


class GeometryRefused(InputRefused):
    code = "geometry-refused"
    title = "The slices do not form a volume whose geometry can be trusted"
    remedy = "Send a complete, uniformly spaced reconstruction of the series."


class GeometryMissing(GeometryRefused):
    code = "geometry-missing"
    title = "Image Position, Image Orientation or Pixel Spacing is missing or invalid"


class OrientationMixed(GeometryRefused):
    code = "geometry-orientation-mixed"
    title = "The slices are not parallel to one another"
    remedy = "Choose one stack; localisers and radial acquisitions form no volume."


class GantryTilt(GeometryRefused):
    code = "geometry-gantry-tilt"
    title = "The slices are sheared against their normal (gantry tilt)"
    remedy = "Send a reconstruction that is corrected for gantry tilt."


class SpacingUneven(GeometryRefused):
    code = "geometry-spacing-uneven"
    title = "The distance between slices is not uniform, or pixel spacings differ"


class SlicesMissing(GeometryRefused):
    code = "geometry-slices-missing"
    title = "Slices are missing from the stack"
    remedy = "Send the missing slices; the series is then analysed anew."


class SlicesDuplicated(GeometryRefused):
    code = "geometry-slices-duplicated"
    title = "Several different slices claim the same position"
    remedy = "Separate the phases or reconstructions into series of their own."


class MatrixMixed(GeometryRefused):
    code = "geometry-matrix-mixed"
    title = "Rows and Columns differ between slices"


class FrameOfReferenceMixed(GeometryRefused):
    code = "geometry-frame-of-reference-mixed"
    title = "The slices belong to different frames of reference"


class TooFewSlices(GeometryRefused):
    code = "geometry-too-few-slices"
    title = "Too few slices to form a volume"


class RescaleMixed(InputRefused):
    code = "input-rescale-mixed"
    title = "The units of the stored values differ or are not known"


class ModalityContradicted(InputRefused):
    code = "input-modality-contradicted"
    title = "The intensities contradict the Modality in the header"
    remedy = "Compare the images with their Modality; correct the header and send the series again."


class QualityInsufficient(InputRefused):
    code = "input-quality-insufficient"
    title = "The image quality is below what the model was made for"


class NotApplicable(InputRefused):
    code = "input-not-applicable"
    title = "The series does not meet the criteria of the model"
    remedy = "Choose another series; for a demonstration only, add --even-if-not-applicable."


class AnatomyNotFound(InputRefused):
    code = "input-anatomy-not-found"
    title = "The structure that the model looks for is not in the image"
    remedy = "Check that the series shows the body part that the model is made for."


class InputTooLarge(InputRefused):
    code = "input-too-large"
    title = "The input is larger than the limits allow"
    remedy = "Raise the limit in the settings if such studies are expected."


class DecodingCrashed(InputRefused):
    code = "input-decoding-crashed"
    title = "The process that decoded the object crashed, twice"
    remedy = "Discard the object, or have it sent in another transfer syntax; report it, since a decoder has a defect."


class DecodingOutOfMemory(InputRefused):
    code = "input-decoding-memory"
    title = "Decoding the object needs more memory than a decoding process may have"
    remedy = "Raise worker.decoding_memory_mib if such studies are expected."


class DecodingTooSlow(InputRefused):
    code = "input-decoding-time"
    title = "Decoding the object takes longer than it may"
    remedy = "Raise worker.decoding_cpu_s if such studies are expected."


class KeptOut(InputRefused):
    code = "gate-refused"
    title = "The gate keeps the object out"
    remedy = "Look at it with `appliance quarantine show ID`."


class NotDicom(KeptOut):
    code = "gate-not-dicom"
    title = "The object does not begin like DICOM"
    remedy = "Find out what the sender sent; discard the object."


class ObjectTooLarge(KeptOut):
    code = "gate-too-large"
    title = "The object has more bytes than the limit allows"
    remedy = "Raise limits.file_mib if such objects are expected, or release this one."


class MetaHeaderWrong(KeptOut):
    code = "gate-meta-header"
    title = "The file meta information contradicts itself or runs beyond the end"
    remedy = "Have the sender write the object anew; a parser may read beyond such a header."


class TransferSyntaxUnknown(KeptOut):
    code = "gate-transfer-syntax"
    title = "The transfer syntax is none that can be looked into"
    remedy = "Ask the sender for another transfer syntax, such as Explicit VR Little Endian."


class InflationRefused(KeptOut):
    code = "gate-inflation"
    title = "The deflated data set is damaged or inflates beyond the limit"
    remedy = "Ask the sender for a transfer syntax without deflation."


class StructureBroken(KeptOut):
    code = "gate-structure"
    title = "Lengths and delimiters do not fit together, or the object ends too early"
    remedy = "Have the object sent again from its source; if it fails again, the source is damaged."


class ValueRepresentationUnknown(KeptOut):
    code = "gate-unknown-vr"
    title = "An element has a value representation that does not exist"
    remedy = "Have the sender corrected; release the object if it is needed now."


class NestedTooDeep(KeptOut):
    code = "gate-nesting"
    title = "Sequences are nested so deep that parsers crash"
    remedy = "Discard the object, and find out who made it; no honest device does."


class TooManyElements(KeptOut):
    code = "gate-elements"
    title = "The object has more elements or fragments than the limit allows"
    remedy = "Raise gate.elements or gate.level_elements if such objects are expected, or release this one."


class ElementTwice(KeptOut):
    code = "gate-duplicate-element"
    title = "An identifying element or the pixel data comes twice"
    remedy = "Have the sender corrected; readers disagree on which of the two counts."


class UidMissing(KeptOut):
    code = "gate-uid-missing"
    title = "SOP Class, SOP Instance, Study or Series Instance UID is missing"
    remedy = "Have the sender corrected; without its UIDs an object belongs nowhere."


class UidInvalid(KeptOut):
    code = "gate-uid-invalid"
    title = "A UID holds something else than digits and dots"
    remedy = "Discard the object if the UID looks like a path or a command; else have the sender corrected."


class ImageTooLarge(KeptOut):
    code = "gate-image-size"
    title = "Rows, columns or frames are beyond the limits, or no numbers"
    remedy = "Raise limits.frame_pixels, gate.frames or gate.decoded_mib if such images are expected, or release it."


class PixelDataShort(KeptOut):
    code = "gate-pixel-data"
    title = "There is less pixel data than rows, columns and frames ask for"
    remedy = "Have the object sent again from its source."


class GateDefect(KeptOut):
    code = "gate-defect"
    title = "The gate itself failed on this object"
    remedy = "Report the object's identifier and Orthanc's log; release the object if its source is trusted."


class OrthancCrashed(KeptOut):
    code = "orthanc-crash"
    title = "Orthanc died while it handled this object"
    remedy = "Keep the object for the analysis of the crash, then discard it."


class ModelPackageError(ApplianceError):
    code = "model-package"
    title = "A model package must not be used"
    remedy = "Run `appliance models check NAME`."


class UnknownModel(ModelPackageError):
    code = "model-unknown"
    title = "There is no such model package"
    remedy = "List the packages with `appliance models list`."
    http_status = 404


class ManifestInvalid(ModelPackageError):
    code = "model-manifest-invalid"
    title = "The manifest of a model package is not valid"


class ModelFileChanged(ModelPackageError):
    code = "model-file-changed"
    title = "A file of a model package is not the one its manifest names"
    remedy = "Restore the file, or run `appliance models pull NAME` again."


class WeightsMissing(ModelPackageError):
    code = "model-weights-missing"
    title = "The weights of a model package have not been pulled"
    remedy = "Run `appliance models pull NAME`."


class RecipeRefused(ModelPackageError):
    code = "model-recipe-refused"
    title = "The source of a model's weights is missing or not the one its recipe names"
    remedy = "Check the network or the wheelhouse; never bypass the checksum."


class GoldenCaseFailed(ModelPackageError):
    code = "model-golden-case-failed"
    title = "The model does not reproduce its golden case on this machine"
    remedy = "Do not use the model here; report the runtime and its version."


class RuntimeMismatch(ModelPackageError):
    code = "model-runtime-mismatch"
    title = "The runtime does not do what the package asks for"
    remedy = "Install the provider that is asked for, or allow another one in the manifest."


class ResultRefused(ApplianceError):
    code = "result-refused"
    title = "A result object does not say what was found, and was not sent"
    remedy = "Report the workitem; this is a defect of the appliance."


class DestinationRefused(ApplianceError):
    code = "destination-refused"
    title = "The destination refused the object for good"
    remedy = "Check what the destination accepts with `appliance destinations show NAME`."


class DestinationConflict(DestinationRefused):
    code = "destination-conflict"
    title = "The destination holds another object under the same SOP Instance UID"
    remedy = "Remove the object from the destination if it is wrong, then retry the delivery."
    http_status = 409


class BurntInTextRefused(DestinationRefused):
    code = "destination-refuses-burnt-in-text"
    title = "The destination takes no studies with text burnt into their pixels"
    remedy = "Look at the study; to send it all the same, unset refuse_burnt_in_text of the destination and retry."
    http_status = 422


class LedgerError(ApplianceError):
    code = "ledger"
    title = "The ledger refused a transition"


class UnknownStudy(LedgerError):
    code = "ledger-unknown-study"
    title = "There is no such study in the ledger"
    remedy = "List the studies with `appliance studies list`."
    http_status = 404


class UnknownWorkitem(LedgerError):
    code = "ledger-unknown-workitem"
    title = "There is no such workitem"
    http_status = 404


class UnknownFinding(LedgerError):
    code = "ledger-unknown-finding"
    title = "There is no such finding, or it does not stand any more"
    remedy = "Load the page of the study again; the analysis may have been replaced or withdrawn."
    http_status = 404


class UnknownObject(LedgerError):
    code = "quarantine-unknown-object"
    title = "There is no such object in quarantine"
    remedy = "List what is held with `appliance quarantine list`."
    http_status = 404


class NotReleasable(LedgerError):
    code = "quarantine-not-releasable"
    title = "This object cannot be let in"
    remedy = "Have it sent again from its source, corrected; then discard this one."
    http_status = 409


class UnknownRevision(LedgerError):
    code = "ledger-unknown-revision"
    title = "There is no such revision of the rules"
    remedy = "List the revisions with `appliance rules history`."
    http_status = 404


class UnknownReading(LedgerError):
    code = "worklist-unknown-reading"
    title = "This study is on no worklist"
    remedy = "Load the worklist again; the study may have been removed."
    http_status = 404


class ReadingClaimed(LedgerError):
    code = "worklist-claimed"
    title = "Somebody else is reading this study"
    remedy = "Ask whoever is named to release it, or take another study."
    http_status = 409


class ReadingNotClaimed(LedgerError):
    code = "worklist-not-claimed"
    title = "Nobody has claimed this study"
    remedy = "Claim the study first."
    http_status = 409


class ReadingFinal(LedgerError):
    code = "worklist-final"
    title = "The reading of this study has ended"
    remedy = "Load the worklist again; what is read is under “Read”."
    http_status = 409


class ViewRefused(LedgerError):
    code = "worklist-view-refused"
    title = "The view cannot be kept like this"
    remedy = "Take a shorter name, or remove a view first."
    http_status = 422


class LeaseLost(LedgerError):
    code = "ledger-lease-lost"
    title = "Another attempt has taken this workitem over"
    http_status = 409


class AttemptsExhausted(LedgerError):
    code = "ledger-attempts-exhausted"
    title = "The workitem failed as often as it may"
    remedy = "Read the reasons of the attempts, mend the cause, then retry the workitem."


class TimeLimitExceeded(LedgerError):
    code = "workitem-time-limit"
    title = "The work took longer than it may"
    remedy = "Compare the size of the series with `worker.time_limit_s`; raise the limit or refuse such series by rule."


class AccountError(ApplianceError):
    code = "account"
    title = "The account cannot be made or changed like this"
    remedy = "Read the reason; list the accounts with `appliance users list`."
    http_status = 422


class AccountRefused(AccountError):
    code = "account-refused"
    title = "This would leave an account, or the appliance, in a state that must not be"
    remedy = "Change what is named, and try again."
    http_status = 409


class PasswordRefused(AccountError):
    code = "account-password-refused"
    title = "The password is too easy to guess"
    remedy = "Take at least 12 characters that are no common word and not your name; four random words do well."


class UnknownAccount(AccountError):
    code = "account-unknown"
    title = "There is no such account"
    remedy = "List the accounts with `appliance users list`."
    http_status = 404


class UnknownToken(AccountError):
    code = "account-unknown-token"
    title = "There is no such token"
    remedy = "Look at the tokens on the page of your account."
    http_status = 404


class AccessDenied(ApplianceError):
    code = "access-denied"
    title = "This is not open to whoever asked"
    remedy = "Sign in with an account that may do this."
    http_status = 403


class NotSignedIn(AccessDenied):
    code = "access-not-signed-in"
    title = "Nobody is signed in, or the session has ended"
    remedy = "Sign in; a program sends its token as `Authorization: Bearer`."
    http_status = 401


class SignInRefused(AccessDenied):
    code = "access-sign-in-refused"
    title = "Name or password is wrong, or the account is locked"
    remedy = "Try again; whoever administers accounts can set a new password or unlock the account."
    http_status = 401


class SignInDelayed(AccessDenied):
    code = "access-sign-in-delayed"
    title = "Too many attempts to sign in have failed"
    remedy = "Wait as long as is said, then try again."
    http_status = 429


class OpenIdRefused(AccessDenied):
    code = "access-openid-refused"
    title = "Signing in with the hospital's account was refused"
    remedy = "Try again; if it is refused again, ask whoever administers accounts, or sign in with a password."


class NotPermitted(AccessDenied):
    code = "access-not-permitted"
    title = "Your roles do not include this"
    remedy = "Ask whoever administers accounts for the role, if this is part of your work."


class RequestForged(AccessDenied):
    code = "access-request-forged"
    title = "The request does not come from a page of this session"
    remedy = "Load the page again and repeat what you did."


class PageUnknown(ApplianceError):
    code = "page-unknown"
    title = "There is nothing at this address"
    remedy = "Go back, or begin at the start page."
    http_status = 404


class ViewerMissing(ApplianceError):
    code = "viewer-missing"
    title = "The viewer is not installed"
    remedy = "Run packaging/npm/fetch.sh, as setup.sh does, and restart the web service."
    http_status = 503


class TransientError(ApplianceError):
    code = "transient"
    title = "A service did not answer; trying again may succeed"
    http_status = 503


class OrthancUnavailable(TransientError):
    code = "orthanc-unavailable"
    title = "Orthanc did not answer"


class DestinationUnavailable(TransientError):
    code = "destination-unavailable"
    title = "The destination did not answer"


class DestinationForgot(TransientError):
    code = "destination-forgot"
    title = "The destination accepted the object and does not show it"
    remedy = "Look for the object at the destination; see runbooks/destination-down.md."


class OpenIdUnavailable(TransientError):
    code = "openid-unavailable"
    title = "The OpenID provider did not answer"
    remedy = "Sign in with a password, or try again later; check `openid.issuer` and that the provider runs."


class QueueUnavailable(TransientError):
    code = "queue-unavailable"
    title = "The queue (Redis) did not answer"


class LedgerUnavailable(TransientError):
    code = "ledger-unavailable"
    title = "The database of the ledger does not answer"
    remedy = "Check `database_url`, that the database runs, and that the state folder can be written."


class MemoryShort(TransientError):
    code = "memory-short"
    title = "Not enough memory to hold the model beside what is running"


class StorageShort(TransientError):
    code = "storage-short"
    title = "The state folder cannot be written"
    remedy = "Make room on its disk; see runbooks/disk-full.md."


class NodeNotReady(TransientError):
    code = "node-not-ready"
    title = "A service of the node does not start"
    remedy = "Read the log that is named, mend the cause, then run `appliance up` again."

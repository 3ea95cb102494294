import com.pixelmed.validate.DicomSRValidator;

/** Validates several SR files in one JVM: compiling the rules takes far longer than applying them. */
public class SrBatch {
    public static void main(String[] files) throws Exception {
        DicomSRValidator validator = new DicomSRValidator();
        for (String file : files) {
            System.out.println("== " + file);
            try {
                System.out.println(validator.validate(file));
            } catch (Exception problem) {
                System.out.println("Error: " + problem);
            }
        }
    }
}

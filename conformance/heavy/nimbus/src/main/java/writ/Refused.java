// An OAuth error of the server.
package writ;

import com.nimbusds.oauth2.sdk.ErrorObject;
import java.util.LinkedHashMap;
import java.util.Map;

final class Refused extends Exception {
  private static final long serialVersionUID = 1;

  private final String code;
  private final int status;

  Refused(ErrorObject error) {
    super(error.getCode() + ": " + error.getDescription());
    code = error.getCode();
    status = error.getHTTPStatusCode();
  }

  String code() {
    return code;
  }

  /** The status is that of an answer; an error that came by redirect has none. */
  Map<String, Object> said() {
    Map<String, Object> said = new LinkedHashMap<>();
    said.put("refused", code);
    if (status != 0) {
      said.put("status", status);
    }
    return said;
  }
}

// What stands on standard input.
package writ;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.JWK;
import com.nimbusds.oauth2.sdk.Scope;
import com.nimbusds.oauth2.sdk.auth.ClientAuthenticationMethod;
import com.nimbusds.oauth2.sdk.auth.Secret;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.id.Issuer;
import com.nimbusds.oauth2.sdk.util.JSONObjectUtils;
import java.io.InputStream;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import net.minidev.json.JSONObject;

/** `key` signs assertions; what is null is not wanted. */
record Settings(
    Issuer issuer,
    Credentials client,
    ClientAuthenticationMethod method,
    JWK key,
    Requested requested,
    Credentials api,
    ClientID verifiesAs,
    String listen) {

  record Credentials(ClientID id, Secret secret) {
    static Credentials parse(JSONObject from) throws Exception {
      return new Credentials(
          new ClientID(JSONObjectUtils.getString(from, "client_id")),
          new Secret(JSONObjectUtils.getString(from, "client_secret")));
    }
  }

  record Requested(Scope scope, URI resource, JWSAlgorithm idTokenAlgorithm, boolean pushed, boolean bound, URI bye) {}

  URI callback() {
    return URI.create("http://" + listen + "/callback");
  }

  static Settings read(InputStream input) throws Exception {
    JSONObject given = JSONObjectUtils.parse(new String(input.readAllBytes(), StandardCharsets.UTF_8));
    Credentials client = Credentials.parse(given);
    JSONObject key = JSONObjectUtils.getJSONObject(given, "key", null);
    JSONObject api = JSONObjectUtils.getJSONObject(given, "api", null);
    return new Settings(
        new Issuer(JSONObjectUtils.getString(given, "issuer")),
        client,
        ClientAuthenticationMethod.parse(JSONObjectUtils.getString(given, "method", "client_secret_basic")),
        key == null ? null : JWK.parse(key),
        requested(given),
        api == null ? null : Credentials.parse(api),
        new ClientID(JSONObjectUtils.getString(given, "verifies_as", client.id().getValue())),
        JSONObjectUtils.getString(given, "listen"));
  }

  private static Requested requested(JSONObject given) throws Exception {
    return new Requested(
        new Scope(JSONObjectUtils.getStringArray(given, "scopes")),
        JSONObjectUtils.getURI(given, "resource", null),
        JWSAlgorithm.parse(JSONObjectUtils.getString(given, "id_token_alg", "RS256")),
        JSONObjectUtils.getBoolean(given, "pushed", false),
        JSONObjectUtils.getBoolean(given, "dpop", false),
        JSONObjectUtils.getURI(given, "post_logout_redirect_uri", null));
  }
}

// One login, as the documentation of the SDK has it: the request (OpenID Connect Core section 3.1.2.1, RFC 7636), the answer
// (RFC 9207), the tokens, and what they are good for.
package writ;

import com.nimbusds.jwt.JWT;
import com.nimbusds.oauth2.sdk.AuthorizationCodeGrant;
import com.nimbusds.oauth2.sdk.AuthorizationRequest;
import com.nimbusds.oauth2.sdk.RefreshTokenGrant;
import com.nimbusds.oauth2.sdk.ResponseType;
import com.nimbusds.oauth2.sdk.id.State;
import com.nimbusds.oauth2.sdk.pkce.CodeChallengeMethod;
import com.nimbusds.oauth2.sdk.pkce.CodeVerifier;
import com.nimbusds.oauth2.sdk.token.AccessToken;
import com.nimbusds.oauth2.sdk.token.RefreshToken;
import com.nimbusds.openid.connect.sdk.AuthenticationRequest;
import com.nimbusds.openid.connect.sdk.AuthenticationResponse;
import com.nimbusds.openid.connect.sdk.AuthenticationResponseParser;
import com.nimbusds.openid.connect.sdk.LogoutRequest;
import com.nimbusds.openid.connect.sdk.Nonce;
import com.nimbusds.openid.connect.sdk.claims.IDTokenClaimsSet;
import com.nimbusds.openid.connect.sdk.claims.UserInfo;
import com.nimbusds.openid.connect.sdk.token.OIDCTokens;
import com.nimbusds.openid.connect.sdk.validators.AccessTokenValidator;
import java.net.URI;
import java.util.LinkedHashMap;
import java.util.Map;

final class Login {
  private final Settings settings;
  private final Client client;
  private final State state = new State();
  private final Nonce nonce = new Nonce();
  private final CodeVerifier verifier = new CodeVerifier();
  private final Map<String, Object> said = new LinkedHashMap<>();

  Login(Settings settings, Client client) {
    this.settings = settings;
    this.client = client;
  }

  /** Where the person goes. */
  URI request() throws Exception {
    Settings.Requested requested = settings.requested();
    URI endpoint = client.server().getAuthorizationEndpointURI();
    var builder = new AuthenticationRequest.Builder(
            ResponseType.CODE, requested.scope(), settings.client().id(), settings.callback())
        .endpointURI(endpoint)
        .state(state)
        .nonce(nonce)
        .codeChallenge(verifier, CodeChallengeMethod.S256);
    if (requested.resource() != null) {
      builder.resource(requested.resource());
    }
    if (requested.pushed()) {
      URI pushed = client.push(builder.build());
      return new AuthorizationRequest.Builder(pushed, settings.client().id()).endpointURI(endpoint).build().toURI();
    }
    return builder.build().toURI();
  }

  Map<String, Object> answered(URI callback) throws Exception {
    AuthenticationResponse answer = AuthenticationResponseParser.parse(callback);
    if (!state.equals(answer.getState())) {
      throw new Exception("another state");
    }
    if (!settings.issuer().equals(answer.getIssuer())) {
      throw new Exception("another issuer");
    }
    if (!answer.indicatesSuccess()) {
      throw new Refused(answer.toErrorResponse().getErrorObject());
    }
    var code = answer.toSuccessResponse().getAuthorizationCode();
    var grant = new AuthorizationCodeGrant(code, settings.callback(), verifier);
    OIDCTokens tokens = client.tokens(grant).getOIDCTokens();
    said.clear();
    IDTokenClaimsSet identity = identified(tokens);
    AccessToken token = tokens.getAccessToken();
    if (settings.api() == null) {
      tellUserInfo(token);
      said.put("again", refreshed(tokens.getRefreshToken(), identity));
    } else {
      tellRevoked(token, tokens.getRefreshToken());
    }
    if (settings.requested().bound()) {
      said.put("asked_for_nonce", client.wasAskedForNonce());
    }
    URI bye = settings.requested().bye();
    if (bye != null) {
      URI endpoint = client.server().getEndSessionEndpointURI();
      said.put("logout", new LogoutRequest(endpoint, tokens.getIDToken(), bye, new State("later")).toURI().toString());
    }
    return said;
  }

  private IDTokenClaimsSet identified(OIDCTokens tokens) throws Exception {
    AccessToken token = tokens.getAccessToken();
    JWT idToken = tokens.getIDToken();
    IDTokenClaimsSet identity = client.verified(idToken, nonce);
    AccessTokenValidator.validate(token, settings.requested().idTokenAlgorithm(), identity.getAccessTokenHash());
    said.put("token_type", token.getType().getValue());
    said.put("scope", token.getScope().toString());
    said.put("alg", idToken.getHeader().getAlgorithm().getName());
    said.put("sub", identity.getSubject().getValue());
    return identity;
  }

  private void tellUserInfo(AccessToken token) throws Exception {
    UserInfo info = client.userInfo(token);
    said.put("userinfo", info.getSubject().getValue());
    said.put("name", info.getPreferredUsername());
  }

  /** The subject of the ID token that comes with fresh tokens (OpenID Connect Core section 12.2: of the same login). */
  private String refreshed(RefreshToken token, IDTokenClaimsSet before) throws Exception {
    OIDCTokens fresh = client.tokens(new RefreshTokenGrant(token)).getOIDCTokens();
    IDTokenClaimsSet identity = client.verified(fresh.getIDToken(), null);
    if (!before.getAudience().equals(identity.getAudience())) {
      throw new Exception("another audience");
    }
    return identity.getSubject().getValue();
  }

  private void tellRevoked(AccessToken token, RefreshToken refreshToken) throws Exception {
    said.put("active", client.isActive(token));
    client.revoke(refreshToken);
    said.put("active_when_revoked", client.isActive(token));
    try {
      client.tokens(new RefreshTokenGrant(refreshToken));
    } catch (Refused refused) {
      said.put("refresh_when_revoked", refused.code());
    }
  }
}

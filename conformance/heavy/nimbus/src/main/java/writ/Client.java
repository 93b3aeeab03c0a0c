// What the application says to the server, by the SDK: authentication, DPoP with nonces (RFC 9449 section 8), and each endpoint.
package writ;

import com.nimbusds.jose.JWSAlgorithm;
import com.nimbusds.jose.jwk.AsymmetricJWK;
import com.nimbusds.jose.jwk.Curve;
import com.nimbusds.jose.jwk.gen.ECKeyGenerator;
import com.nimbusds.jwt.JWT;
import com.nimbusds.oauth2.sdk.AuthorizationGrant;
import com.nimbusds.oauth2.sdk.AuthorizationRequest;
import com.nimbusds.oauth2.sdk.ErrorObject;
import com.nimbusds.oauth2.sdk.ErrorResponse;
import com.nimbusds.oauth2.sdk.PushedAuthorizationRequest;
import com.nimbusds.oauth2.sdk.PushedAuthorizationResponse;
import com.nimbusds.oauth2.sdk.Response;
import com.nimbusds.oauth2.sdk.TokenIntrospectionRequest;
import com.nimbusds.oauth2.sdk.TokenIntrospectionResponse;
import com.nimbusds.oauth2.sdk.TokenRequest;
import com.nimbusds.oauth2.sdk.TokenResponse;
import com.nimbusds.oauth2.sdk.TokenRevocationRequest;
import com.nimbusds.oauth2.sdk.auth.ClientAuthentication;
import com.nimbusds.oauth2.sdk.auth.ClientSecretBasic;
import com.nimbusds.oauth2.sdk.auth.ClientSecretPost;
import com.nimbusds.oauth2.sdk.auth.PrivateKeyJWT;
import com.nimbusds.oauth2.sdk.dpop.DPoPProofFactory;
import com.nimbusds.oauth2.sdk.dpop.DefaultDPoPProofFactory;
import com.nimbusds.oauth2.sdk.http.HTTPRequest;
import com.nimbusds.oauth2.sdk.http.HTTPResponse;
import com.nimbusds.oauth2.sdk.id.ClientID;
import com.nimbusds.oauth2.sdk.token.AccessToken;
import com.nimbusds.oauth2.sdk.token.Token;
import com.nimbusds.openid.connect.sdk.Nonce;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponse;
import com.nimbusds.openid.connect.sdk.OIDCTokenResponseParser;
import com.nimbusds.openid.connect.sdk.UserInfoRequest;
import com.nimbusds.openid.connect.sdk.UserInfoResponse;
import com.nimbusds.openid.connect.sdk.claims.IDTokenClaimsSet;
import com.nimbusds.openid.connect.sdk.claims.UserInfo;
import com.nimbusds.openid.connect.sdk.op.OIDCProviderMetadata;
import com.nimbusds.openid.connect.sdk.validators.IDTokenValidator;
import java.net.URI;

final class Client {
  private final Settings settings;
  private final OIDCProviderMetadata server;
  private final DPoPProofFactory proofs;
  private Nonce dpopNonce;
  private boolean askedForNonce;

  Client(Settings settings) throws Exception {
    this.settings = settings;
    server = OIDCProviderMetadata.resolve(settings.issuer());
    proofs = settings.requested().bound()
        ? new DefaultDPoPProofFactory(new ECKeyGenerator(Curve.P_256).generate(), JWSAlgorithm.ES256)
        : null;
  }

  OIDCProviderMetadata server() {
    return server;
  }

  boolean wasAskedForNonce() {
    return askedForNonce;
  }

  URI push(AuthorizationRequest request) throws Exception {
    URI endpoint = server.getPushedAuthorizationRequestEndpointURI();
    HTTPRequest pushed = new PushedAuthorizationRequest(endpoint, authentication(), request).toHTTPRequest();
    PushedAuthorizationResponse answer = PushedAuthorizationResponse.parse(send(pushed, null));
    taken(answer);
    return answer.toSuccessResponse().getRequestURI();
  }

  OIDCTokenResponse tokens(AuthorizationGrant grant) throws Exception {
    URI endpoint = server.getTokenEndpointURI();
    ClientAuthentication authentication = authentication();
    TokenRequest.Builder request = authentication == null
        ? new TokenRequest.Builder(endpoint, settings.client().id(), grant)
        : new TokenRequest.Builder(endpoint, authentication, grant);
    TokenResponse answer = OIDCTokenResponseParser.parse(send(request.build().toHTTPRequest(), null));
    taken(answer);
    return (OIDCTokenResponse) answer.toSuccessResponse();
  }

  IDTokenClaimsSet verified(JWT idToken, Nonce nonce) throws Exception {
    ClientID client = settings.verifiesAs();
    JWSAlgorithm algorithm = settings.requested().idTokenAlgorithm();
    URI keys = server.getJWKSetURI();
    return new IDTokenValidator(settings.issuer(), client, algorithm, keys.toURL()).validate(idToken, nonce);
  }

  UserInfo userInfo(AccessToken token) throws Exception {
    HTTPRequest request = new UserInfoRequest(server.getUserInfoEndpointURI(), token).toHTTPRequest();
    UserInfoResponse answer = UserInfoResponse.parse(send(request, token));
    taken(answer);
    return answer.toSuccessResponse().getUserInfo();
  }

  /** As the API that the token is for. */
  boolean isActive(AccessToken token) throws Exception {
    Settings.Credentials api = settings.api();
    ClientAuthentication authentication = new ClientSecretBasic(api.id(), api.secret());
    URI endpoint = server.getIntrospectionEndpointURI();
    HTTPRequest request = new TokenIntrospectionRequest(endpoint, authentication, token).toHTTPRequest();
    TokenIntrospectionResponse answer = TokenIntrospectionResponse.parse(request.send());
    taken(answer);
    return answer.toSuccessResponse().isActive();
  }

  void revoke(Token token) throws Exception {
    URI endpoint = server.getRevocationEndpointURI();
    send(new TokenRevocationRequest(endpoint, authentication(), token).toHTTPRequest(), null).ensureStatusCode(200);
  }

  private ClientAuthentication authentication() throws Exception {
    Settings.Credentials client = settings.client();
    return switch (settings.method().getValue()) {
      case "client_secret_basic" -> new ClientSecretBasic(client.id(), client.secret());
      case "client_secret_post" -> new ClientSecretPost(client.id(), client.secret());
      case "private_key_jwt" -> new PrivateKeyJWT(
          client.id(),
          server.getTokenEndpointURI(),
          JWSAlgorithm.parse(settings.key().getAlgorithm().getName()),
          ((AsymmetricJWK) settings.key()).toPrivateKey(),
          settings.key().getKeyID(),
          null);
      default -> null;
    };
  }

  /** `token` is what the request presents, if it does. */
  private HTTPResponse send(HTTPRequest request, AccessToken token) throws Exception {
    if (proofs == null) {
      return request.send();
    }
    HTTPResponse answer = proven(request, token).send();
    if (answer.getDPoPNonce() != null && !answer.getDPoPNonce().equals(dpopNonce)) {
      dpopNonce = answer.getDPoPNonce();
      if (!answer.indicatesSuccess()) {
        askedForNonce = true;
        return proven(request, token).send();
      }
    }
    return answer;
  }

  private HTTPRequest proven(HTTPRequest request, AccessToken token) throws Exception {
    String method = request.getMethod().name();
    request.setDPoP(token == null
        ? proofs.createDPoPJWT(method, request.getURI(), dpopNonce)
        : proofs.createDPoPJWT(method, request.getURI(), token, dpopNonce));
    return request;
  }

  private static void taken(Response answer) throws Refused {
    if (answer instanceof ErrorResponse refusal) {
      ErrorObject error = refusal.getErrorObject();
      throw new Refused(error);
    }
  }
}

// A site that signs people in with Spring Security's OAuth2 client, as Spring Boot sets it up by itself: the configuration is the
// issuer, the client's credentials and the scope, and comes by the environment.
package writ;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.security.core.annotation.AuthenticationPrincipal;
import org.springframework.security.oauth2.core.oidc.user.OidcUser;
import org.springframework.web.bind.annotation.GetMapping;
import org.springframework.web.bind.annotation.RestController;

@SpringBootApplication
@RestController
public class Site {
  public static void main(String[] args) {
    SpringApplication.run(Site.class, args);
  }

  @GetMapping("/")
  String home(@AuthenticationPrincipal OidcUser person) {
    return "Hello " + person.getPreferredUsername();
  }
}

// An application with Nimbus's OAuth 2.0 SDK: /login sends the person away, /callback says in JSON what came of it.
package writ;

import com.nimbusds.jose.util.JSONObjectUtils;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.Map;

public final class Application {
  private final Settings settings;
  private final Client client;
  private Login login;

  private Application(Settings settings) throws Exception {
    this.settings = settings;
    client = new Client(settings);
  }

  /** One request after the other, as the server's default executor has it. */
  public static void main(String[] args) throws Exception {
    Application application = new Application(Settings.read(System.in));
    String[] listen = application.settings.listen().split(":");
    HttpServer server = HttpServer.create(new InetSocketAddress(listen[0], Integer.parseInt(listen[1])), 0);
    server.createContext("/login", application::login);
    server.createContext("/callback", application::callback);
    server.start();
  }

  private void login(HttpExchange exchange) throws IOException {
    try {
      login = new Login(settings, client);
      exchange.getResponseHeaders().set("location", login.request().toString());
      exchange.sendResponseHeaders(302, -1);
      exchange.close();
    } catch (Refused refused) {
      answer(exchange, 502, refused.said());
    } catch (Exception fault) {
      answer(exchange, 502, Map.of("error", String.valueOf(fault.getMessage())));
    }
  }

  private void callback(HttpExchange exchange) throws IOException {
    try {
      URI callback = URI.create("http://" + settings.listen() + exchange.getRequestURI());
      answer(exchange, 200, login.answered(callback));
    } catch (Refused refused) {
      answer(exchange, 502, refused.said());
    } catch (Exception fault) {
      answer(exchange, 502, Map.of("error", String.valueOf(fault.getMessage())));
    }
  }

  private static void answer(HttpExchange exchange, int status, Map<String, Object> said) throws IOException {
    byte[] body = JSONObjectUtils.toJSONString(said).getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }
}

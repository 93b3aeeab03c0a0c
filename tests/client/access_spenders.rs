//! Twenty agents that share one budget of calls at two resource servers: delegations of one task.

use serde_json::{Value, json};
use writ_core::id::TaskId;
use writ_store::access::ObjectUse;
use writ_store::event::EventFilter;
use writ_testkit::{
    AskingServer, BANK, Cast, NodeClient, TestAgent, World, agent_file, asking_bank, basic, claims,
    enrol, minted, plus, question, with,
};

/// The first of them got the grant, and handed it over to the others.
pub(crate) const AGENTS: usize = 20;
const OTHER: &str = "https://other.example";
/// More than any scene has.
const EVENTS: u32 = 1_000_000;

pub(crate) struct Spenders {
    /// The credentials of the two resource servers.
    servers: [String; 2],
    agents: Vec<TestAgent>,
    /// By which the first agent renews its token.
    refresh: String,
    /// One for each agent, at one of the resources in turn.
    tokens: Vec<String>,
}

impl Spenders {
    pub(crate) async fn of(world: &World, cast: &Cast, calls: u32) -> Self {
        let mut file = asking_bank();
        file["verifies_proofs"] = json!(true);
        world.add_resource(file).await;
        let servers = [cast.bank_basic(), add_other(world).await];
        let mut agents = Vec::new();
        for number in 0..AGENTS {
            agents.push(spender(world, number).await);
        }
        let object = json!([{
            "type": "mcp_tool_call", "server": "https://files.example/mcp", "tool": "read_file",
            "calls": calls, "locations": [BANK, OTHER]
        }]);
        let form = with(&cast.request(), "client_id", agents[0].id.as_str());
        let form = with(&form, "authorization_details", object.to_string());
        let form = plus(&plus(&form, "resource", BANK), "resource", OTHER);
        let first = cast.granted(world, &agents[0], &form, BANK).await;
        let mut spenders = Self {
            servers,
            agents,
            refresh: first.member("refresh_token"),
            tokens: Vec::new(),
        };
        spenders.hand_over(world, cast, &first.access_token()).await;
        spenders
    }

    /// Fresh tokens of the same task.
    pub(crate) async fn renew(&mut self, world: &World, cast: &Cast) {
        let form = with(
            &self.agents[0].refresh_form(&self.refresh),
            "resource",
            BANK,
        );
        let first = self.agents[0].send(world, "/token", &form).await;
        minted(&first, "a refresh");
        let rotated = first.json()["refresh_token"].as_str().map(str::to_owned);
        self.refresh = rotated.unwrap_or_else(|| self.refresh.clone());
        self.hand_over(world, cast, &first.access_token()).await;
    }

    async fn hand_over(&mut self, world: &World, cast: &Cast, token: &str) {
        let (first, others) = self.agents.split_first().unwrap();
        let mut tokens = vec![token.to_owned()];
        for (place, other) in others.iter().enumerate() {
            let assertion = other.actor_assertion(world, &first.id);
            let form = cast.exchange_form(token, Some(&assertion));
            let form = with(&form, "resource", [OTHER, BANK][place % 2]);
            let handed = first.send(world, "/token", &form).await;
            minted(&handed, "a hand over");
            tokens.push(handed.access_token());
        }
        self.tokens = tokens;
    }

    /// The resource server at which this agent spends, at this node.
    pub(crate) fn server(&self, place: usize, door: NodeClient) -> AskingServer {
        AskingServer {
            door,
            authorization: self.servers[place % 2].clone(),
        }
    }

    pub(crate) fn token(&self, place: usize) -> &str {
        &self.tokens[place]
    }

    /// How much it wants each time.
    pub(crate) fn wants(&self, place: usize) -> u32 {
        1 + u32::try_from(place % 3).unwrap()
    }

    pub(crate) fn call(&self, world: &World, place: usize, calls: u32) -> Value {
        let (agent, token) = (&self.agents[place], &self.tokens[place]);
        let arguments = json!({
            "server": "https://files.example/mcp", "tool": "read_file", "calls": calls
        });
        let mut body = question(world, agent, token, ("mcp_tool_call", arguments));
        body["resource"]["id"] = claims(token)["aud"].clone();
        body
    }

    /// What the record says was taken.
    pub(crate) async fn recorded(&self, world: &World) -> u32 {
        let filter = EventFilter {
            name: Some("decision.permitted"),
            limit: EVENTS,
            ..EventFilter::default()
        };
        let mut reading = world.store().read("default").await.unwrap();
        let events = reading.events(filter).await.unwrap();
        let spent = events.iter().flat_map(|event| {
            let spent = event.data["spent"].as_array().unwrap().iter();
            spent.map(|one| one["amount"].as_str().unwrap().parse::<u32>().unwrap())
        });
        spent.sum()
    }

    /// What the budget's row says.
    pub(crate) async fn spent(&self, world: &World) -> String {
        let said = claims(&self.tokens[0]);
        let task = TaskId::from_text(said["mission"]["id"].as_str().unwrap());
        let object = ObjectUse {
            task: &task,
            reference: said["authorization_details"][0]["ref"].as_str().unwrap(),
            once: false,
            spends: &[],
            until: world.now(),
        };
        let mut reading = world.store().read("default").await.unwrap();
        let spent = reading.spent_so_far(object, "/calls").await.unwrap();
        spent.to_string()
    }
}

async fn spender(world: &World, number: usize) -> TestAgent {
    let mut file = agent_file(&format!("agt_spender{number}"), "alice");
    let ceiling = &mut file["agent"]["ceiling"]["authorization_details"];
    ceiling
        .as_array_mut()
        .unwrap()
        .push(json!({ "type": "mcp_tool_call" }));
    enrol(world, file).await
}

/// The second resource server; its credentials.
async fn add_other(world: &World) -> String {
    let client = json!({
        "client_id": "other-api", "client_name": "Other", "profile": "oauth21",
        "grant_types": [], "token_endpoint_auth_method": "client_secret_basic"
    });
    let secret = world.add_client(client).await["client_secret"].clone();
    world
        .add_resource(json!({
            "resource": OTHER, "name": "Other", "client_id": "other-api", "verifies_proofs": true,
            "authorization_details_types": ["mcp_tool_call"]
        }))
        .await;
    basic("other-api", secret.as_str().unwrap())
}

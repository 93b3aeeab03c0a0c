//! What an action and its arguments mean: an object of `authorization_details` at the resource that asks.

use serde_json::{Map, Value};
use writ_authority::{ARGUMENTS, Authority, OTHER_TOOL, Problem, TypeDefinition, Types};
use writ_wire::access::{ActionRequest, DecisionReason, Entity};
use writ_wire::exact_json::ExactJsonError;
use writ_wire::rar::Detail;

use super::{AccessDenial, ArgumentsFault};
use crate::client::{Resource, ResourceAction};
use crate::registration::is_action_name;

/// The members that are around every object, and are said by this server.
const ENVELOPE: [&str; 4] = ["type", "ref", "type_hash", "locations"];
/// `action.name` of a tool call in the working group's binding for MCP (COAZ-MCP, draft 1).
const TOOL_CALL: &str = "tools/call";
/// Its actions about the server as a whole, which tell what there is and change nothing.
const DISCOVERY: [&str; 6] = [
    "initialize",
    "tools/list",
    "resources/list",
    "resources/templates/list",
    "prompts/list",
    "logging/setLevel",
];

/// What is asked for.
pub enum AskedAction<'a> {
    /// To learn what an MCP server has: every live token for it may.
    Discovery,
    /// A plain HTTP request that this scope covers, whatever it does (docs/forward-auth.md).
    Scope(&'a str),
    Object(AskedObject<'a>),
}

/// A concrete object, valid by its type.
pub struct AskedObject<'a> {
    /// With `type` and `locations`; of an action also with `type_hash`.
    pub detail: Detail,
    pub definition: &'a TypeDefinition,
    pub kind: ObjectKind<'a>,
}

#[derive(Clone, Copy)]
pub enum ObjectKind<'a> {
    /// Of a type that the resource lists: the token's objects cover it.
    Type,
    /// Of an action of the resource: the token's scope covers it.
    Action(&'a ResourceAction),
}

impl AskedObject<'_> {
    /// Whether a person would see all of it, exactly as it is.
    pub fn check_shown(&self) -> Result<(), AccessDenial> {
        let checked = self.definition.check_shown(&self.detail, "");
        checked.map_err(|problem| of_problem(ArgumentsFault::NotShown, &problem))
    }

    /// With the version of its type.
    pub fn versioned(&self) -> Detail {
        let hash = self.definition.hash().into();
        self.detail.clone().with("type_hash", hash)
    }

    /// Of an action: [`ResourceAction::described`].
    pub fn described(&self) -> Option<String> {
        match self.kind {
            ObjectKind::Type => None,
            ObjectKind::Action(action) => Some(action.described()),
        }
    }

    /// The same for two objects exactly when they cover each other.
    pub fn hash(&self, types: &Types) -> String {
        let alone = Authority::new(
            Default::default(),
            vec![self.versioned()],
            Default::default(),
        );
        alone.normal(types).hash("")
    }
}

/// The object of an action at `resource`, which is the token's audience.
pub fn asked_action<'a>(
    action: &ActionRequest,
    entity: &Entity,
    resource: &'a Resource,
    types: &'a Types,
) -> Result<AskedAction<'a>, AccessDenial> {
    let here = entity.id == resource.uri.as_str();
    let asked = match entity.kind.as_str() {
        "resource" | "mcp_server" if !here => Err(AccessDenial::of(DecisionReason::TokenInvalid)),
        "resource" => named(&action.name, &action.properties, resource, types),
        "mcp_server" if DISCOVERY.contains(&action.name.as_str()) => Ok(AskedAction::Discovery),
        "tool" if action.name == TOOL_CALL => {
            let arguments = arguments(&action.properties)?;
            tool_call(&entity.id, arguments, resource, types)
        }
        _ => Err(unknown()),
    }?;
    // Behind what names the place: of the text only the number is known.
    match &action.inexact {
        None => Ok(asked),
        Some(number) => {
            let why = ExactJsonError::Number(number.clone()).to_string();
            Err(AccessDenial::of_arguments(ArgumentsFault::NotJudged, &why))
        }
    }
}

/// What a scope covers at `resource`, which is the token's audience.
pub fn asked_scope<'a>(
    scope: &'a str,
    entity: &Entity,
    resource: &Resource,
) -> Result<AskedAction<'a>, AccessDenial> {
    match entity.id == resource.uri.as_str() {
        true => Ok(AskedAction::Scope(scope)),
        false => Err(AccessDenial::of(DecisionReason::TokenInvalid)),
    }
}

/// Whether it is an MCP server: what a call does stands in its body.
pub fn has_tools(resource: &Resource, types: &Types) -> bool {
    let mut actions = resource.actions.values();
    let mut listed = resource.details_types.iter();
    actions.any(|action| action.definition_hash.is_some())
        || listed.any(|name| types.by_name(name).is_some_and(is_of_tools))
}

fn named<'a>(
    name: &str,
    properties: &Map<String, Value>,
    resource: &'a Resource,
    types: &'a Types,
) -> Result<AskedAction<'a>, AccessDenial> {
    if resource.details_types.contains(name) {
        let definition = types.by_name(name).ok_or_else(unknown)?;
        return of_type(definition, properties.clone(), resource);
    }
    match resource.actions.get(name) {
        Some(action) => of_action(action, Members::of(properties.clone()), resource, types),
        None => of_unknown(name, properties.clone(), resource, types),
    }
}

/// A tool is an action of that name, or a member of the one type of tools that the resource lists.
fn tool_call<'a>(
    tool: &str,
    arguments: Map<String, Value>,
    resource: &'a Resource,
    types: &'a Types,
) -> Result<AskedAction<'a>, AccessDenial> {
    if let Some(action) = resource.actions.get(tool) {
        return of_action(action, Members::of(arguments), resource, types);
    }
    let listed = resource.details_types.iter();
    let mut of_tools = listed
        .filter_map(|name| types.by_name(name))
        .filter(|definition| has_tool(definition, tool));
    match (of_tools.next(), of_tools.next()) {
        (Some(definition), None) => {
            let mut members = Map::new();
            members.insert(TOOL.to_owned(), tool.into());
            members.insert(ARGUMENTS.to_owned(), arguments.into());
            of_type(definition, members, resource)
        }
        (None, _) => of_unknown(tool, arguments, resource, types),
        (Some(_), Some(_)) => Err(unknown()),
    }
}

/// Whether the objects of this type are calls of tools, among them this one: `{tool, arguments}`, with the names in an `enum`.
fn has_tool(definition: &TypeDefinition, tool: &str) -> bool {
    let listed = member(definition, TOOL).and_then(|tools| tools.get("enum")?.as_array());
    let named = listed.is_some_and(|tools| tools.iter().any(|one| one.as_str() == Some(tool)));
    named && member(definition, ARGUMENTS).is_some()
}

fn is_of_tools(definition: &TypeDefinition) -> bool {
    let has = |name| member(definition, name).is_some();
    has(TOOL) && has(ARGUMENTS)
}

fn member<'a>(definition: &'a TypeDefinition, name: &str) -> Option<&'a Value> {
    definition.schema().get("properties")?.get(name)
}

fn arguments(properties: &Map<String, Value>) -> Result<Map<String, Value>, AccessDenial> {
    match properties.get(ARGUMENTS) {
        None => Ok(Map::new()),
        Some(Value::Object(arguments)) => Ok(arguments.clone()),
        Some(_) => Err(outside_schema(&format!(
            "`/{ARGUMENTS}`: this is no object"
        ))),
    }
}

fn of_type<'a>(
    definition: &'a TypeDefinition,
    members: Map<String, Value>,
    resource: &Resource,
) -> Result<AskedAction<'a>, AccessDenial> {
    if let Some(name) = ENVELOPE.iter().find(|name| members.contains_key(**name)) {
        let why = format!("`/{name}`: only the server says this");
        return Err(outside_schema(&why));
    }
    let detail = object(definition.name(), members, resource)?;
    check(definition, &detail)?;
    let object = AskedObject {
        detail,
        definition,
        kind: ObjectKind::Type,
    };
    object.check_shown()?;
    Ok(AskedAction::Object(object))
}

/// What the resource's record has no word for: a person is asked by its name, where the record lets them be.
fn of_unknown<'a>(
    name: &str,
    arguments: Map<String, Value>,
    resource: &'a Resource,
    types: &'a Types,
) -> Result<AskedAction<'a>, AccessDenial> {
    let action = resource.unknown_actions.as_ref();
    let action = action
        .filter(|_| is_action_name(name))
        .ok_or_else(unknown)?;
    let Members(mut members) = Members::of(arguments);
    members.insert(OTHER_TOOL.to_owned(), name.into());
    of_action(action, Members(members), resource, types)
}

/// The members of the object of an action.
struct Members(Map<String, Value>);

impl Members {
    /// A call without arguments is a call with none.
    fn of(arguments: Map<String, Value>) -> Self {
        let mut members = Map::new();
        if !arguments.is_empty() {
            members.insert(ARGUMENTS.to_owned(), arguments.into());
        }
        Self(members)
    }
}

fn of_action<'a>(
    action: &'a ResourceAction,
    Members(members): Members,
    resource: &Resource,
    types: &'a Types,
) -> Result<AskedAction<'a>, AccessDenial> {
    let definition = types.by_hash(&action.type_hash).ok_or_else(unknown)?;
    let members = with_needed(definition, members);
    let detail = object(definition.name(), members, resource)?;
    // Whether a person could read it matters where one is asked.
    check(definition, &detail)?;
    Ok(AskedAction::Object(AskedObject {
        detail: detail.with("type_hash", definition.hash().into()),
        definition,
        kind: ObjectKind::Action(action),
    }))
}

/// A call without arguments where some are needed: what is missing has a name.
fn with_needed(definition: &TypeDefinition, mut members: Map<String, Value>) -> Map<String, Value> {
    let needed = definition
        .schema()
        .get("required")
        .and_then(Value::as_array);
    if needed.is_some_and(|names| names.iter().any(|name| name.as_str() == Some(ARGUMENTS))) {
        members
            .entry(ARGUMENTS)
            .or_insert_with(|| Map::new().into());
    }
    members
}

fn object(
    type_name: &str,
    mut members: Map<String, Value>,
    resource: &Resource,
) -> Result<Detail, AccessDenial> {
    members.insert("type".to_owned(), type_name.into());
    let places = vec![Value::from(resource.uri.as_str())];
    members.insert("locations".to_owned(), places.into());
    Detail::new(members).map_err(|error| outside_schema(&error.to_string()))
}

fn check(definition: &TypeDefinition, detail: &Detail) -> Result<(), AccessDenial> {
    let bounded = definition.check_bounds(detail, "");
    bounded.map_err(|problem| of_problem(ArgumentsFault::NotJudged, &problem))?;
    let checked = definition.check_within(detail, "");
    checked.map_err(|problem| of_problem(ArgumentsFault::OutsideSchema, &problem))
}

fn of_problem(fault: ArgumentsFault, problem: &Problem) -> AccessDenial {
    AccessDenial::of_arguments(fault, &problem.to_string())
}

fn outside_schema(why: &str) -> AccessDenial {
    AccessDenial::of_arguments(ArgumentsFault::OutsideSchema, why)
}

/// Arguments as one text, however their members were ordered (RFC 8785).
pub fn canonical(properties: &Map<String, Value>) -> Vec<u8> {
    serde_json_canonicalizer::to_vec(properties).unwrap_or_default()
}

fn unknown() -> AccessDenial {
    AccessDenial::of(DecisionReason::UnknownAction)
}

const TOOL: &str = "tool";

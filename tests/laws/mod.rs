//! What holds for all endpoints together: properties, races, costs, and what specifications demand.

mod mcp_faults;
mod mcp_faults_of_links;
mod musts;
mod musts_ciba;
mod musts_ciba_client;
mod musts_device;
mod musts_oauth21;
mod musts_openid;
mod musts_webauthn;
mod narrowing;
mod outage;
mod processes;
pub(crate) mod races;
pub(crate) mod requirements;
mod requirements_later;
mod requirements_limits;
mod requirements_rule;
mod requirements_standing;
mod secrets;
mod statements;

//! What waits for a person: the page, who decides, how often people are asked, what proves an answer.

mod approval;
mod approval_less;
mod approval_many;
mod approval_now;
mod approval_passkey;
mod approval_race;
mod approval_refused;
mod approval_reported;
mod approval_stop;
mod approval_types;
mod ciba_again;
mod ciba_budget;
mod ciba_budget_people;
mod ciba_budget_race;
mod client_address;
mod history;
mod liveness;
mod liveness_once;
mod liveness_receipt;
mod liveness_refused;
mod liveness_ways;
pub(crate) mod notices;
mod receipt;
mod shown;
mod time_zone;

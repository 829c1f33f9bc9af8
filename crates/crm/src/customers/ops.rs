use base::{Email, Error, Id, OrNotFound, Result, text};
use db::Tx;
use identity::{User, audit, users};

use super::{CustomerPatch, CustomerRecord, store};

/// The record of an address, made if there is none.
pub fn find_or_create(tx: &mut Tx<'_>, email: &Email, name: &str) -> Result<CustomerRecord> {
    if let Some(found) = store::find_by_email(tx, email)? {
        return Ok(found);
    }
    let given = text::line("name", name, 100).unwrap_or_default();
    let name = if given.is_empty() {
        email.as_str().split('@').next().unwrap_or_default().to_owned()
    } else {
        given
    };
    let id = tx.new_id();
    store::insert(tx, id, email, &name)?;
    // Somebody may have been faster: the unique address decides, not the look before.
    store::find_by_email(tx, email)?.or_not_found("customer")
}

/// Ties a user to the record of their address, after they proved that it is theirs.
pub fn tie_verified_user(tx: &mut Tx<'_>, user: &User) -> Result<CustomerRecord> {
    if user.verified_at.is_none() {
        return Err(Error::bug("an unverified user cannot be tied to a customer"));
    }
    let customer = find_or_create(tx, &user.email, &user.name)?;
    store::set_verified(tx, customer.id)?;
    users::set_customer(tx, user.id, customer.id.uuid())?;
    Ok(customer)
}

/// Changes what is on the record. Equal values change nothing.
pub fn update(tx: &mut Tx<'_>, id: Id<CustomerRecord>, patch: CustomerPatch) -> Result<CustomerRecord> {
    let before = store::lock(tx, id)?.or_not_found("customer")?;
    let mut after = before.clone();
    let optional =
        |field: &'static str, value: Option<String>| value.map(|v| text::line(field, &v, 200)).transpose();
    if let Some(name) = patch.name {
        after.name = text::line("name", &name, 100)?;
    }
    if let Some(phone) = patch.phone {
        after.phone = optional("phone", phone)?;
    }
    if let Some(company) = patch.company {
        after.company = optional("company", company)?;
    }
    if let Some(address) = patch.service_address {
        after.service_address = optional("service_address", address)?;
    }
    if let Some(plan) = patch.plan {
        after.plan = optional("plan", plan)?;
    }
    save(tx, &before, after)
}

/// The customer does not want to be asked how it was any more, or does again. The same again changes nothing.
pub fn set_surveys_off(tx: &mut Tx<'_>, id: Id<CustomerRecord>, is_off: bool) -> Result<()> {
    if !store::set_surveys_off(tx, id, is_off)? {
        return Ok(());
    }
    let what = if is_off { "customer.surveys_off" } else { "customer.surveys_on" };
    audit::record(tx, audit::Change::new(what, "customer", Some(id.uuid())))
}

/// Replaces the staff's notes about a customer; empty is allowed.
pub fn set_notes(tx: &mut Tx<'_>, id: Id<CustomerRecord>, notes: &str) -> Result<CustomerRecord> {
    let before = store::lock(tx, id)?.or_not_found("customer")?;
    let mut after = before.clone();
    after.internal_notes =
        if notes.trim().is_empty() { String::new() } else { text::body("internal_notes", notes, 64 * 1024)? };
    save(tx, &before, after)
}

fn save(tx: &mut Tx<'_>, before: &CustomerRecord, after: CustomerRecord) -> Result<CustomerRecord> {
    let same = (
        &before.name,
        &before.phone,
        &before.company,
        &before.service_address,
        &before.plan,
        &before.internal_notes,
    ) == (
        &after.name,
        &after.phone,
        &after.company,
        &after.service_address,
        &after.plan,
        &after.internal_notes,
    );
    if same {
        return Ok(after);
    }
    store::save(tx, &after)?;
    let change = audit::Change::new("customer.changed", "customer", Some(after.id.uuid()));
    audit::record(tx, change.from(before).to(&after))?;
    store::find(tx, after.id)?.or_not_found("customer")
}

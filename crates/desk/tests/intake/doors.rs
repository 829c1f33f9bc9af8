//! Which channel an address leads to.

use desk::{
    channels::{self, ChannelPatch},
    intake::{self, MailState, Outcome},
};
use testkit::both_engines;

use crate::harness::*;

both_engines! {
    async fn an_archived_category_keeps_no_letter_waiting(world) {
        let desk = Desk::open_with(&world, ChannelPatch { category: Some(Some("billing".into())), ..ChannelPatch::default() }).await;
        world.db.write(world.scope(), |tx| {
            desk::categories::change(tx, "billing", None, None, Some(true)).map(drop)
        }).await.unwrap();
        let mail = desk.deliver(&letter(1, ADA, "Internet down", "", "The light is red.")).await;
        assert_eq!((mail.state, mail.outcome), (MailState::Done, Some(Outcome::Ticket)), "{}", mail.reason);
    }

    async fn a_letter_to_a_channels_reply_address_is_the_channels(world) {
        let reply = ChannelPatch { reply_address: Some(Some("replies@here.example.org".parse().unwrap())), ..ChannelPatch::default() };
        let desk = Desk::open_with(&world, reply).await;
        let to: Vec<base::Email> = ["support@here.example.org", "Replies+abc@here.example.org", "nobody@here.example.org"].iter().map(|a| a.parse().unwrap()).collect();
        let found = world.db.read(testkit::installation(), move |r| intake::envelope_channels(r, &to)).await.unwrap();
        let ours = Some((world.here, desk.channel));
        assert_eq!(found, [ours, ours, None]);
    }

    async fn an_address_is_one_door_whichever_of_the_two_it_is(world) {
        let reply = |address: &str| ChannelPatch { reply_address: Some(Some(address.parse().unwrap())), ..ChannelPatch::default() };
        let desk = Desk::open_with(&world, reply("replies@here.example.org")).await;
        let made = |scope: db::Scope, address: &str, fields: ChannelPatch| {
            let new = channels::NewChannel { address: address.parse().unwrap(), fields };
            world.db.write(scope, move |tx| channels::create(tx, new))
        };
        let find = |address: &str| {
            let to: Vec<base::Email> = vec![address.parse().unwrap()];
            world.db.read(testkit::installation(), move |r| intake::envelope_channels(r, &to))
        };
        let ours = vec![Some((world.here, desk.channel))];
        // Neither the address nor where answers go can be taken by somebody else, as either of the two.
        for scope in [world.scope(), world.scope_there()] {
            for (address, fields, field) in [
                ("Replies@here.example.org", ChannelPatch::default(), "address"),
                ("support@here.example.org", ChannelPatch::default(), "address"),
                ("sales@there.example.org", reply("Support@here.example.org"), "reply_address"),
                ("sales@there.example.org", reply("replies@here.example.org"), "reply_address"),
            ] {
                let refused = made(scope.clone(), address, fields).await.unwrap_err();
                assert_eq!((refused.field_errors()[0].code, refused.field_errors()[0].field.as_str()), ("channel.address_taken", field));
            }
        }
        let theirs = made(world.scope_there(), "sales@there.example.org", ChannelPatch::default()).await.unwrap().1;
        let grab = |address: &'static str| world.db.write(world.scope_there(), move |tx| channels::change(tx, theirs.id, reply(address)));
        assert_eq!(grab("replies@here.example.org").await.unwrap_err().field_errors()[0].code, "channel.address_taken");
        assert_eq!(find("replies+secret@here.example.org").await.unwrap(), ours);
        // Their own address is no other one's, and what is let go of is free.
        grab("SALES@there.example.org").await.unwrap();
        assert_eq!(find("sales@there.example.org").await.unwrap(), [Some((world.there, theirs.id))]);
        let id = desk.channel;
        world.db.write(world.scope(), move |tx| {
            channels::change(tx, id, ChannelPatch { reply_address: Some(None), ..ChannelPatch::default() })
        }).await.unwrap();
        assert_eq!(find("replies@here.example.org").await.unwrap(), [None]);
        assert_eq!(find("support@here.example.org").await.unwrap(), ours);
        grab("replies@here.example.org").await.unwrap();
        world.db.write(world.scope_there(), move |tx| channels::delete(tx, theirs.id)).await.unwrap();
        made(world.scope(), "replies@here.example.org", ChannelPatch::default()).await.unwrap();
    }
}

//! What the customers of an internet provider write about, and how it ends.
//!
//! Words in braces are filled in from the customer: `{first}`, `{street}`, `{plan}`, and from chance: `{time}`,
//! `{speed}`, `{amount}`, `{device}`.

use desk::tickets::{Priority, TicketType};

/// One kind of trouble. Lists of texts are alternatives; one of each is told.
pub struct Story {
    pub ticket_type: TicketType,
    pub category: &'static str,
    /// What most of these tickets are filed as.
    pub priority: Priority,
    /// The team, as an index into `people::TEAMS`.
    pub team: usize,
    /// How many of a hundred tickets are of this kind.
    pub weight: u64,
    pub tags: &'static [&'static str],
    pub subjects: &'static [&'static str],
    pub openings: &'static [&'static str],
    /// What staff tell each other.
    pub notes: &'static [&'static str],
    /// What staff ask, and what the customer answers to just that.
    pub questions: &'static [(&'static str, &'static str)],
    /// How it is settled, and the note that is kept of it.
    pub endings: &'static [(&'static str, &'static str)],
    /// A visit by a technician may be part of it.
    pub visit: bool,
    /// An attachment the customer may send, by its index in `files::all`.
    pub file: Option<usize>,
}

pub const THANKS: [&str; 8] = [
    "Works again, thank you!",
    "That did it. Thanks for the quick help.",
    "Perfect, everything is fine now.",
    "Thank you, {agent}. All good on our side.",
    "Great, thanks. You can close this.",
    "Confirmed, it is solved. Have a good day!",
    "Brilliant, thank you very much.",
    "Thanks! The kids are happy again.",
];

pub const NOT_YET: [&str; 5] = [
    "Sorry, it has started again this morning. Exactly the same as before.",
    "I spoke too soon: it worked for a day and now the problem is back.",
    "Unfortunately this is not solved. Could you have another look?",
    "It is better than before, but still not right. It happened twice since yesterday evening.",
    "We are back to where we were last week. Please call me if that is easier.",
];

pub const LATER: [&str; 3] = [
    "Hello again, the same thing is happening as a few weeks ago. Could you look into it once more?",
    "I am afraid we have the old problem again, since the weekend.",
    "You helped me with this last month. It is back, so I am writing under the same number.",
];

pub const SOLVED_BY_PHONE: [&str; 3] = [
    "Called the customer back, everything works. Nothing more to do.",
    "Confirmed on the phone.",
    "Customer says it has been stable since yesterday.",
];

pub const ALL: [Story; 12] = [
    Story {
        ticket_type: TicketType::OutageReport,
        category: "technical",
        priority: Priority::High,
        team: 0,
        weight: 14,
        tags: &["outage", "fibre"],
        subjects: &[
            "No internet since this morning",
            "Complete outage at {street}",
            "Internet and phone are down",
            "Whole street without internet?",
            "Red light on the fibre box, no connection",
        ],
        openings: &[
            "Hello,\n\nsince about {time} we have had **no internet at all** at {street}. The router is on, but the lamp next to *Internet* is red. I have unplugged it twice, no change.\n\nI work from home, so this is urgent for me.\n\n{first}",
            "Hi, our connection went down at {time}. The neighbours say theirs is gone too. Is there an outage in our area, and when will it be back?",
            "Good morning, nothing works since {time}: no internet, no phone, no TV. The small white box on the wall blinks red where it used to be green.\n\nMy mobile number is in your files, please call if you need anything.",
            "The internet is out again. Third time this month! Plan {plan}, {street}. Please tell me what is going on and how I will be compensated.",
        ],
        notes: &[
            "Cabinet at the corner of {street} shows loss of light on the whole splitter. Ticket with the civil works contractor is open.",
            "OLT port flapping since {time}. Moved to the spare port, watching it.",
            "Digger cut a duct two streets away. Splicing crew is on site, 24 fibres.",
        ],
        questions: &[
            (
                "Sorry about that, {first}. So that we look in the right place: **which lamps are lit on the white fibre box** on the wall, and which of them blink?",
                "PON is off and LOS blinks red. Power is green.",
            ),
            (
                "I am sorry for the trouble. Is the router connected to the fibre box with the grey cable, and is the plug at both ends firmly in?",
                "Yes, both ends click. I also tried another cable from my old router, same result.",
            ),
        ],
        endings: &[
            (
                "Hello {first},\n\na damaged cable near your street was the cause. It was **repaired at {time}** and your line has been up since then.\n\nWe have credited one day for every started day of the outage; you will see it on your next invoice. Please accept our apologies.",
                "Fibre cut repaired by the contractor, line stable. Credit given.",
            ),
            (
                "Good news: we replaced a faulty part in our exchange and your line is up again with full signal. If the lamp is still red, please take the router from the power for a minute.",
                "Replaced the optic at the exchange, signal back to -18 dBm.",
            ),
        ],
        visit: true,
        file: Some(0),
    },
    Story {
        ticket_type: TicketType::SpeedIssue,
        category: "technical",
        priority: Priority::Normal,
        team: 0,
        weight: 13,
        tags: &["speed", "wifi"],
        subjects: &[
            "Only {speed} Mbit/s instead of what I pay for",
            "Internet very slow in the evenings",
            "Slow Wi-Fi in the upper floor",
            "Speed dropped after the last update",
        ],
        openings: &[
            "Hi,\n\nI have {plan}, but speed tests show **{speed} Mbit/s** at most. I tested with a cable too. Screenshot attached if that helps.\n\n| time | down | up |\n|---|---|---|\n| 09:00 | {speed} | 21 |\n| 20:30 | {speed} | 18 |\n\n{first}",
            "Every evening between eight and eleven the connection becomes so slow that streaming stops. During the day it is fine. Are you overbooked in our area?",
            "Downstairs everything is good, upstairs we get {speed} Mbit/s at best. What can I do? Would a repeater help, and do you sell one that works with {device}?",
        ],
        notes: &[
            "Line is in sync at full rate, no errors. Looks like Wi-Fi: 2.4 GHz only, channel 6 with eleven neighbours.",
            "Uplink of this segment is at 78 % in the evening, upgrade is planned for next week.",
            "Router firmware two versions behind, scheduled the update for tonight.",
        ],
        questions: &[
            (
                "Thank you for the figures. Could you run one more test **with a network cable directly at the router**, and nothing else connected? That tells us whether it is the line or the Wi-Fi.",
                "With the cable I get nearly everything that I pay for. So it is the Wi-Fi?",
            ),
            (
                "Which of your devices are slow: all of them, or one in particular? And how far from the router?",
                "Mostly the TV and my laptop, both about ten metres away with a wall in between.",
            ),
        ],
        endings: &[
            (
                "I have set your router to a free channel and switched on 5 GHz for all devices. From here your connection now measures as it should. Please move the router away from the TV, too: that alone often doubles the speed.",
                "Wi-Fi channel and band steering changed, customer measures full speed.",
            ),
            (
                "The link that serves your street was too full in the evening. We doubled it last night, and the measurements since then are good. Thank you for your patience, {first}.",
                "Segment upgraded, evening load now 40 %.",
            ),
        ],
        visit: false,
        file: Some(1),
    },
    Story {
        ticket_type: TicketType::BillingIssue,
        category: "billing",
        priority: Priority::Normal,
        team: 1,
        weight: 14,
        tags: &["invoice"],
        subjects: &[
            "Question about my last invoice",
            "Charged twice this month",
            "Invoice is {amount} EUR higher than usual",
            "Credit for the outage is missing",
        ],
        openings: &[
            "Hello, my invoice this month is {amount} EUR higher than before, although I changed nothing. There is a line \"activation\" that I do not understand. Please explain.",
            "You have taken {amount} EUR from my account **twice**, on the first and on the third. Please send one of them back.",
            "After the outage you promised a credit. On the new invoice I cannot find it. Invoice attached.",
            "Dear Sir or Madam,\n\nI would like to have the invoices of the last twelve months as PDF for my tax return. Thank you.\n\n{first}",
        ],
        notes: &[
            "Two mandates on file, the old bank account was never removed. Asked accounting to reverse one.",
            "Promotion ended after 12 months, customer was told in the letter of last spring. Goodwill of {amount} EUR is fine.",
            "Credit was booked after the invoice run, it will be on the next one.",
        ],
        questions: &[
            (
                "I would like to get this right. Could you tell me the **last four digits of the account** that was charged, and both dates?",
                "It ends in 4471. The first was on the 1st, the second on the 3rd.",
            ),
            (
                "Could you send me a photo or a PDF of the page with the line you mean?",
                "Please find it attached to my first message, it is the second page.",
            ),
        ],
        endings: &[
            (
                "You are right, {first}, and I apologise. The second charge of {amount} EUR has been returned; it takes two or three working days until your bank shows it.",
                "Double debit reversed, old mandate removed.",
            ),
            (
                "The difference is the end of your introductory price. As you were not told clearly, I have credited {amount} EUR and put you on the current offer, which is cheaper than what you had.",
                "Moved to current price list, goodwill credit.",
            ),
            (
                "The credit is booked and will be taken off your next invoice. The invoices you asked for are in your customer account under *Documents*.",
                "Credit shown on next invoice.",
            ),
        ],
        visit: false,
        file: Some(2),
    },
    Story {
        ticket_type: TicketType::EquipmentIssue,
        category: "technical",
        priority: Priority::Normal,
        team: 0,
        weight: 10,
        tags: &["router"],
        subjects: &[
            "Router restarts by itself",
            "{device} does not switch on any more",
            "Router gets very hot",
            "Cannot sign in to the router",
        ],
        openings: &[
            "Our router ({device}) restarts several times a day, always during video calls. It is two years old. Can we get a new one?",
            "Since the thunderstorm yesterday the router is dead, no lamp at all. I tried another socket.",
            "I want to open a port for my camera, but the password on the label of the {device} is not accepted. I did not change it.",
        ],
        notes: &[
            "Uptime log shows 14 restarts in three days. Power supply is from the batch that we had trouble with.",
            "Out of warranty by a month, exchange anyway.",
        ],
        questions: &[(
            "Could you please read me the **serial number** from the label below the router? It begins with NW.",
            "It is NW-20483-7716.",
        )],
        endings: &[
            (
                "A new router is on its way to {street}. Your settings are stored with us, so you only have to plug it in. Please put the old one into the same box; the return label is inside.",
                "Replacement shipped, return label enclosed.",
            ),
            (
                "I have reset the password of your router to the one on the label and installed the current software. Please sign in once and choose your own.",
                "Remote reset and firmware update.",
            ),
        ],
        visit: false,
        file: Some(0),
    },
    Story {
        ticket_type: TicketType::InstallationRequest,
        category: "getting_started",
        priority: Priority::Normal,
        team: 2,
        weight: 9,
        tags: &["installation"],
        subjects: &[
            "When will my connection be installed?",
            "Appointment for the installation",
            "Moving to {street}: can I take my contract with me?",
            "Technician did not come",
        ],
        openings: &[
            "I ordered {plan} two weeks ago and have heard nothing since. When does the technician come to {street}?",
            "We are moving at the end of the month, the new address is {street}. Can we keep {plan} and the phone number? What does it cost?",
            "I took a day off and waited from eight to twelve. Nobody came and nobody called. I expect a new date this week.",
        ],
        notes: &[
            "House is connected up to the basement, needs about 12 m inside. Two hours on site.",
            "Landlord's permission is on file since last Tuesday.",
        ],
        questions: &[(
            "We can offer you **Tuesday 8 to 10** or **Thursday 14 to 16**. Which suits you, and is there somebody who can open the basement?",
            "Thursday is good. The caretaker has the key, I will tell him.",
        )],
        endings: &[
            (
                "Your connection is installed and active. Welcome to Northwind Fiber, {first}! The leaflet beside the router has the Wi-Fi name and password.",
                "Installed, signal -16 dBm, speed test with customer done.",
            ),
            (
                "Your contract moves with you, number included, and the move is free of charge. The technician's visit is booked; you will get a message the day before.",
                "Move booked, no new contract term.",
            ),
        ],
        visit: true,
        file: None,
    },
    Story {
        ticket_type: TicketType::ServiceUpgrade,
        category: "buying",
        priority: Priority::Low,
        team: 1,
        weight: 7,
        tags: &["upgrade"],
        subjects: &[
            "Upgrade to 1000 Mbit/s",
            "Which plan for a family of five?",
            "Static IP address for the office",
        ],
        openings: &[
            "Hi, I would like to move from {plan} to your fastest plan. From when is that possible, and do I need another router?",
            "We are five people, two of us work from home. Is {plan} still the right one for us? What would you recommend?",
            "For our small office we need a static IP address and a reverse DNS entry. Is that possible with {plan}?",
        ],
        notes: &["Line is good for 1000/500. Current router is not, offer the new one at no charge."],
        questions: &[(
            "Gladly! Shall the change happen **at once** or on the first of next month? At once costs nothing either, your invoice is split by days.",
            "At once, please.",
        )],
        endings: &[
            (
                "Done: you have the faster plan from today on. Please restart your router once. The confirmation with all prices is on its way to you.",
                "Upgraded, confirmation sent.",
            ),
            (
                "Your static address is active; the letter with the details went out today. For the reverse DNS entry just reply here with the name you want.",
                "Static IPv4 assigned, invoice item added.",
            ),
        ],
        visit: false,
        file: None,
    },
    Story {
        ticket_type: TicketType::CancellationRequest,
        category: "account",
        priority: Priority::Normal,
        team: 1,
        weight: 7,
        tags: &["cancellation", "retention"],
        subjects: &["Cancellation of my contract", "I want to cancel", "Cancel as we move abroad"],
        openings: &[
            "Hello, I hereby cancel my contract {plan} at the next possible date. Please confirm in writing.",
            "After three outages in one month I have had enough. Please cancel my contract and tell me the end date.",
            "We are moving abroad in two months and cannot take the contract with us. Registration papers will follow.",
        ],
        notes: &[
            "Minimum term is over, notice is one month. Offer three months free before confirming.",
            "Left because of the outages in spring. Worth a call by sales.",
        ],
        questions: &[(
            "We would be sorry to see you go. May we offer you **three months without charge** and a new router? If you would rather leave, I confirm your cancellation at once.",
            "Thank you, but my decision stands. Please confirm the date.",
        )],
        endings: &[
            (
                "I confirm your cancellation to the end of next month. Please send the router back within two weeks after that; the label is attached to the letter you will get.",
                "Cancelled to end of next month, equipment return open.",
            ),
            (
                "Thank you for staying with us, {first}! The three free months are booked and the new router leaves our warehouse tomorrow.",
                "Retained with three months free.",
            ),
        ],
        visit: false,
        file: None,
    },
    Story {
        ticket_type: TicketType::ConnectivityIssue,
        category: "technical",
        priority: Priority::Normal,
        team: 0,
        weight: 9,
        tags: &["connection"],
        subjects: &[
            "Connection drops every few minutes",
            "VPN to my company does not work",
            "Video calls freeze",
            "Some websites do not open",
        ],
        openings: &[
            "The connection drops for about a minute, five to ten times a day. Last ones today: {time} and half an hour later. Log of the router attached.",
            "My company's VPN stopped working last week. With the phone's hotspot it works, so it must be the line.",
            "Some sites do not load (for instance my bank), others are fine. Same on all devices. It began yesterday at {time}.",
        ],
        notes: &[
            "CRC errors on the port since the 3rd, rising when it rains. Connector outside is a candidate.",
            "MTU problem after the change to CGNAT, see the wiki. 1460 works.",
            "IPv6 prefix had changed without the router noticing.",
        ],
        questions: &[
            (
                "Could you send us the **event log of the router**? You find it under *System › Events*; a photo of the page is fine.",
                "Here is the log of today.",
            ),
            (
                "Does it happen on the cable as well, or on Wi-Fi only?",
                "On both. The lamp on the router goes orange for a moment.",
            ),
        ],
        endings: &[
            (
                "The technician replaced a corroded connector outside your house. The line has run without a single error since then.",
                "Connector replaced, error counters at zero for 24 h.",
            ),
            (
                "We gave your line its own public address again. Your VPN should connect now; please restart the router once.",
                "Taken out of CGNAT.",
            ),
        ],
        visit: true,
        file: Some(3),
    },
    Story {
        ticket_type: TicketType::NetworkIssue,
        category: "technical",
        priority: Priority::High,
        team: 0,
        weight: 4,
        tags: &["business", "routing"],
        subjects: &["High latency to Frankfurt", "Packet loss on our business line", "DNS does not answer"],
        openings: &[
            "We see **12 % packet loss** from {street} to anything beyond your network since {time}. Traces attached. This is a business line with a service level, please treat it accordingly.",
            "Latency to Frankfurt went from 9 ms to 64 ms at {time}. Has a route changed?",
        ],
        notes: &[
            "Peer at the exchange announces a longer path, asked their NOC. Shifted the traffic by hand.",
        ],
        questions: &[(
            "We are on it. Could you give us **one address** that you measure against, and the time of the last loss?",
            "We measure against 192.0.2.10, last loss four minutes ago.",
        )],
        endings: &[(
            "A peer had withdrawn its routes after maintenance. Since {time} the traffic takes the short way again; please check from your side.",
            "Routing restored, peer informed.",
        )],
        visit: false,
        file: Some(3),
    },
    Story {
        ticket_type: TicketType::ServiceDowngrade,
        category: "billing",
        priority: Priority::Low,
        team: 1,
        weight: 4,
        tags: &["downgrade"],
        subjects: &["Change to a smaller plan", "Please remove the TV option"],
        openings: &[
            "The children have moved out, {plan} is more than we need. Can we change to the smallest plan?",
            "We never use the TV option. Please take it out of the contract.",
        ],
        notes: &["Allowed from next month, no fee."],
        questions: &[(
            "Of course. The smallest plan has 100 Mbit/s and costs 10 EUR less. **Shall I change it to the first of next month?**",
            "Yes, please.",
        )],
        endings: &[(
            "It is changed to the first of next month; the confirmation is in your mailbox.",
            "Downgraded.",
        )],
        visit: false,
        file: None,
    },
    Story {
        ticket_type: TicketType::TechnicalSupport,
        category: "getting_started",
        priority: Priority::Low,
        team: 0,
        weight: 5,
        tags: &["how-to"],
        subjects: &["How do I set up guest Wi-Fi?", "E-mail on my new phone", "Parental control"],
        openings: &[
            "Hello, how can I give visitors Wi-Fi without telling them our password? Router: {device}.",
            "I have a new phone and the mail program asks for a server name. What do I put there?",
            "Can the router switch off the internet in the children's room after nine in the evening?",
        ],
        notes: &["Sent the guide, this should become an article."],
        questions: &[("Which router do you have? The name is on the front.", "It says {device}.")],
        endings: &[(
            "That is quickly done:\n\n1. Open `http://router.example` and sign in\n2. Choose *Wi-Fi › Guests* (or *Family* for times)\n3. Switch it on and choose a name\n\nThe guide with pictures is attached. Just reply if you get stuck.",
            "Guide sent.",
        )],
        visit: false,
        file: None,
    },
    Story {
        ticket_type: TicketType::GeneralInquiry,
        category: "other",
        priority: Priority::Low,
        team: 1,
        weight: 4,
        tags: &["question"],
        subjects: &[
            "Change of my name and address",
            "When do you build in our street?",
            "Praise for your technician",
        ],
        openings: &[
            "I have married and have a new name. What do you need from me so that the invoice is right?",
            "Do you have plans for fibre in the streets behind {street}? My parents would like to have it too.",
            "I just want to say that the technician who was here at {time} was friendly, quick and clean. Please tell him!",
        ],
        notes: &["Passed on to the planning team."],
        questions: &[(
            "Thank you for writing! Could you tell us the exact address you mean?",
            "It is the house next door, same street.",
        )],
        endings: &[
            (
                "Thank you, {first}, we have noted it and passed it on. Have a good week!",
                "Information passed on.",
            ),
            ("All changed. Your next invoice will show it.", "Master data changed."),
        ],
        visit: false,
        file: None,
    },
];

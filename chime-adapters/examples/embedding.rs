//! A service that has a Chime inside: tickets with a channel each, in which an agent answers a customer.
//!
//! `cargo run -p chime-adapters --example embedding`
#![expect(clippy::print_stdout, reason = "an example shows what it does")]

use chime_adapters::memory::MemoryStore;
use chime_adapters::{SystemClock, SystemEntropy};
use chime_domain::Chime;
use chime_domain::arn::{AppInstanceArn, AppInstanceUserArn, ChannelArn};
use chime_domain::error::{ErrorCode, ServiceError};
use chime_domain::identity::{CreateAppInstance, CreateAppInstanceUser};
use chime_domain::ids::{AppInstanceUserId, ChannelId};
use chime_domain::messaging::{CreateChannel, Happening, SendChannelMessage};
use chime_domain::text::{Content, ResourceName, UserName};

type Error = Box<dyn std::error::Error>;

/// The service's own logic, which knows the rules by their services and the store not at all.
struct HelpDesk {
    chime: Chime,
    app: AppInstanceArn,
    agent: AppInstanceUserArn,
}

impl HelpDesk {
    async fn open(chime: Chime) -> Result<Self, Error> {
        let command = CreateAppInstance::new(ResourceName::new("help desk")?);
        let app = chime.identity().create_app_instance(command).await?;
        let agent = Self::person(&chime, &app, "agent").await?;
        Ok(Self { chime, app, agent })
    }

    async fn person(chime: &Chime, app: &AppInstanceArn, id: &str) -> Result<AppInstanceUserArn, Error> {
        let (id, name) = (AppInstanceUserId::new(id)?, UserName::new(id)?);
        let command = CreateAppInstanceUser::new(app.clone(), id, name);
        Ok(chime.identity().create_app_instance_user(command).await?)
    }

    /// A channel of the agent and the customer, whose id is the ticket's number.
    async fn ticket(&self, number: u32, customer: &AppInstanceUserArn) -> Result<ChannelArn, Error> {
        let name = ResourceName::new(format!("Ticket {number}"))?;
        let mut command = CreateChannel::new(self.app.clone(), name).with_members([customer.clone()]);
        command.id = Some(ChannelId::new(format!("ticket-{number}"))?);
        command.privacy = chime_domain::access::Privacy::Private;
        Ok(self.chime.messaging(&self.agent).create_channel(command).await?)
    }

    async fn say(&self, who: &AppInstanceUserArn, channel: &ChannelArn, text: &str) -> Result<(), Error> {
        let message = SendChannelMessage::new(channel.clone(), Content::new(text)?);
        self.chime.messaging(who).send_channel_message(message).await?;
        Ok(())
    }
}

async fn run() -> Result<(), Error> {
    // A durable service gives `SqliteStore` here, and runs `chime.run_due()` as time passes.
    let chime = Chime::builder(MemoryStore::new(), SystemClock, SystemEntropy).build().await?;
    let desk = HelpDesk::open(chime).await?;
    let customer = HelpDesk::person(&desk.chime, &desk.app, "customer").await?;
    let stranger = HelpDesk::person(&desk.chime, &desk.app, "stranger").await?;
    let ticket = desk.ticket(17, &customer).await?;

    let mut inbox = desk.chime.messaging(&customer).inbox().await?;
    desk.say(&desk.agent, &ticket, "How can I help?").await?;
    desk.say(&customer, &ticket, "The lid is stuck.").await?;
    while let Some(happening) = inbox.try_next().await? {
        if let Happening::MessageCreated(sent) = happening {
            let text = sent.message.content.as_ref().map_or("", |content| content.as_str());
            println!("{}: {text}", sent.message.sender.name.as_str());
        }
    }

    // A refusal says which rule refused and what would make the request pass.
    match desk.chime.messaging(&stranger).describe_channel(&ticket).await {
        Err(ServiceError::Refused(refusal)) if refusal.code() == ErrorCode::Forbidden => {
            println!("stranger: {refusal}");
        }
        other => println!("unexpected: {other:?}"),
    }
    Ok(())
}

fn main() -> Result<(), Error> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(run())
}

#[test]
fn the_example_runs() {
    main().unwrap();
}

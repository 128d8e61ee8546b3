//! Wrong things over REST.

use reqwest::Method;
use serde_json::json;

use super::super::errands::form;
use super::{Away, Rascal};
use crate::api::Ask;

impl Rascal {
    /// A wrong password, somebody unknown, and what is no name at all.
    pub(super) async fn guess_password(&self) -> Result<(), Away> {
        let nobody = self.world.room("nobody");
        for (name, right) in [(&*self.person.name, 401), (&nobody, 401), ("No Name", 400)] {
            let guess = json!({"name": name, "password": "a guess that is wrong"});
            let reply = self.world.api.ask(Ask::post("/api/v1/login", &guess)).await?;
            self.expect("a guessed password", reply.status, &[right]);
        }
        Ok(())
    }

    /// A token that nobody was given.
    pub(super) async fn guess_token(&self) -> Result<(), Away> {
        let reply = self.world.api.ask(Ask::get("/api/v1/me").by("guessed")).await?;
        self.expect("a guessed token", reply.status, &[401]);
        Ok(())
    }

    /// One request that is refused, each in turn.
    pub(super) async fn ask_wrongly(&self, turn: usize) -> Result<(), Away> {
        let messages = |room: &str| format!("/api/v1/rooms/{room}/messages");
        let (other, private) = (messages(&self.other_room()), messages(&self.private_room()));
        let (mine, body) = (messages(&self.room), json!({"body": "x"}));
        let unknown = messages(&self.world.room("unknown"));
        let long = json!({"body": "x".repeat(20_000)});
        let again = json!({"name": self.room, "kind": "public"});
        let (what, ask, right) = match turn % 12 {
            0 => ("a path that is not there", Ask::get("/api/v1/nothing"), 404),
            1 => ("a room that is not there", Ask::post(unknown, &body), 404),
            2 => ("a room of others", Ask::post(other, &body), 403),
            3 => ("a private room of others", Ask::post(private, &body), 404),
            4 => ("a wrong method", Ask::delete("/api/v1/login"), 405),
            5 => ("a message that is too long", Ask::post(mine, &long), 400),
            6 => ("a message of nothing", Ask::post(mine, &json!({"body": ""})), 400),
            7 => {
                let broken = b"{\"body\": \"x".to_vec();
                let ask = Ask::new(Method::POST, mine).bytes("application/json", broken);
                ("JSON that breaks off", ask, 400)
            }
            8 => {
                let ask = Ask::new(Method::POST, mine).bytes("text/plain", b"x".to_vec());
                ("a body that is no JSON", ask, 415)
            }
            9 => ("a name that is taken", Ask::post("/api/v1/rooms", &again), 409),
            10 => ("what operators do", Ask::get("/api/v1/stats"), 403),
            _ => ("a page outside", Ask::get("/wp-login.php"), 404),
        };
        let reply = self.world.api.ask(ask.by(&self.session.token)).await?;
        self.expect(what, reply.status, &[right]);
        Ok(())
    }

    /// A file of a kind that is not taken, one that breaks off, one that is too long.
    pub(super) async fn upload_wrongly(&self, turn: usize) -> Result<(), Away> {
        let path = format!("/api/v1/rooms/{}/uploads", self.room);
        match turn % 3 {
            0 => {
                let page = "<!doctype html><html><body>hello</body></html>";
                let ask = form(Ask::new(Method::POST, path), page).by(&self.session.token);
                let reply = self.world.api.ask(ask).await?;
                self.expect("a page as an upload", reply.status, &[415]);
                Ok(())
            }
            1 => self.break_off_upload(&path).await,
            _ => self.announce_much(&path).await,
        }
    }
}

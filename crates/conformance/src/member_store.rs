//! The promises of [`MemberStore`](campanile_core::port::MemberStore).

use crate::{
    stores::{START, Stores, draft, joining, new_room, room, user},
    tasks::at_once,
};
use campanile_core::{
    message::Sequence,
    name::{RoomName, UserName},
    port::{AppendError, MemberError, PutMember},
    room::{Member, Role, RoomKind},
    time::Timestamp,
};

/// Proves a member store.
pub async fn member_store(make: impl AsyncFn() -> Stores) {
    a_member_is_found_as_it_was_put(make().await).await;
    putting_a_member_again_changes_its_role_only(make().await).await;
    rooms_and_users_must_be_there(make().await).await;
    a_full_room_takes_nobody_new(make().await).await;
    of_many_who_join_at_once_as_many_as_fit_get_in(make().await).await;
    members_are_never_without_an_owner(make().await).await;
    the_last_member_leaves_an_empty_room(make().await).await;
    of_two_last_owners_who_go_at_once_one_stays(make().await).await;
    a_direct_room_needs_no_owner(make().await).await;
    members_are_listed_by_name(make().await).await;
    rooms_of_a_user_are_listed_by_name(make().await).await;
    who_was_removed_is_heard_no_more(make().await).await;
    many_roles_are_asked_for_at_once(make().await).await;
}

async fn put_role(
    stores: &Stores,
    room: &RoomName,
    user: &UserName,
    role: Role,
) -> Result<Member, MemberError> {
    let put = PutMember { role: Some(role), ..joining() };
    stores.members.put(room, user, put).await
}

async fn members_count(stores: &Stores, room: &RoomName) -> u64 {
    let room = stores.rooms.find(room).await.unwrap();
    room.expect("the room is there").members
}

async fn a_member_is_found_as_it_was_put(stores: Stores) {
    let (_, lobby) = stores.owner_and_room().await;
    let (ada, bob) = (stores.account("ada").await, stores.account("bob").await);
    let put = stores.members.put(&lobby, &ada, joining()).await.unwrap();
    let expected = Member {
        user: ada.clone(),
        role: Role::Member,
        joined_at: START,
        read_seq: Sequence(0),
        last_seen: None,
    };
    assert_eq!(put, expected);
    let members = stores.members.members(&lobby, None, 10).await.unwrap();
    assert_eq!(members[0], expected);
    let put = put_role(&stores, &lobby, &bob, Role::Owner).await.unwrap();
    assert_eq!(put.role, Role::Owner, "as asked");
    let role = async |user| stores.members.role(&lobby, &user).await.unwrap();
    assert_eq!(role(ada).await, Some(Role::Member));
    assert_eq!(role(bob).await, Some(Role::Owner));
    assert_eq!(role(user("nobody")).await, None);
    assert_eq!(members_count(&stores, &lobby).await, 3);
}

async fn putting_a_member_again_changes_its_role_only(stores: Stores) {
    let (owner, lobby) = stores.owner_and_room().await;
    let ada = stores.account("ada").await;
    stores.join(&lobby, &ada).await;
    stores.say_many(&lobby, &owner, 2).await;
    let marked = stores.receipts.mark(&lobby, &ada, Sequence(2)).await;
    marked.unwrap();
    let later = |role| PutMember { role, at: Timestamp(START.0 + 60_000), members_max: 1 };
    for (asked, role) in [
        (None, Role::Member),
        (Some(Role::Owner), Role::Owner),
        (None, Role::Owner),
        (Some(Role::Member), Role::Member),
    ] {
        let put = stores.members.put(&lobby, &ada, later(asked)).await;
        let expected = Member {
            user: ada.clone(),
            role,
            joined_at: START,
            read_seq: Sequence(2),
            last_seen: None,
        };
        assert_eq!(put.unwrap(), expected, "asked for {asked:?}");
        let kept = stores.members.role(&lobby, &ada).await.unwrap();
        assert_eq!(kept, Some(role));
    }
    assert_eq!(members_count(&stores, &lobby).await, 2);
}

async fn rooms_and_users_must_be_there(stores: Stores) {
    let (owner, lobby) = stores.owner_and_room().await;
    let (nowhere, nobody) = (room("nowhere"), user("nobody"));
    let put = async |room, user| stores.members.put(room, user, joining()).await;
    let unknown_room = put(&nowhere, &owner).await;
    assert!(matches!(unknown_room, Err(MemberError::UnknownRoom)));
    let unknown_user = put(&lobby, &nobody).await;
    assert!(matches!(unknown_user, Err(MemberError::UnknownUser)));

    let remove = async |room, user| stores.members.remove(room, user).await;
    let unknown_room = remove(&nowhere, &owner).await;
    assert!(matches!(unknown_room, Err(MemberError::UnknownRoom)));
    let stranger = stores.account("stranger").await;
    let not_member = remove(&lobby, &stranger).await;
    assert!(matches!(not_member, Err(MemberError::NotMember)));

    assert_eq!(stores.members.role(&nowhere, &owner).await.unwrap(), None);
    let members = stores.members.members(&nowhere, None, 10).await.unwrap();
    assert_eq!(members, []);
    assert!(stores.members.rooms_of(&nobody).await.unwrap().is_empty());
}

async fn a_full_room_takes_nobody_new(stores: Stores) {
    let (owner, lobby) = stores.owner_and_room().await;
    let (ada, bob) = (stores.account("ada").await, stores.account("bob").await);
    let put = async |user| {
        let put = PutMember { members_max: 2, ..joining() };
        stores.members.put(&lobby, user, put).await
    };
    put(&ada).await.expect("there is room for one more");
    let full = put(&bob).await;
    assert!(matches!(full, Err(MemberError::Full)), "{full:?}");
    put(&owner).await.expect("a member is not refused");
    stores.members.remove(&lobby, &ada).await.unwrap();
    put(&bob).await.expect("there is room again");
}

async fn of_many_who_join_at_once_as_many_as_fit_get_in(stores: Stores) {
    let (_, lobby) = stores.owner_and_room().await;
    for index in 0..16 {
        stores.account(&format!("user-{index}")).await;
    }
    let answers = at_once(16, |index| {
        let (stores, lobby) = (stores.clone(), lobby.clone());
        let put = PutMember { members_max: 6, ..joining() };
        async move {
            let user = user(&format!("user-{index}"));
            stores.members.put(&lobby, &user, put).await
        }
    })
    .await;
    let joined = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(joined, 5, "the owner and five more");
    assert_eq!(members_count(&stores, &lobby).await, 6);
}

async fn members_are_never_without_an_owner(stores: Stores) {
    let (owner, lobby) = stores.owner_and_room().await;
    let demoted = put_role(&stores, &lobby, &owner, Role::Member).await;
    assert!(matches!(demoted, Err(MemberError::LastOwner)), "alone");
    let ada = stores.account("ada").await;
    stores.join(&lobby, &ada).await;
    let demoted = put_role(&stores, &lobby, &owner, Role::Member).await;
    assert!(matches!(demoted, Err(MemberError::LastOwner)));
    let removed = stores.members.remove(&lobby, &owner).await;
    assert!(matches!(removed, Err(MemberError::LastOwner)));
    let role = stores.members.role(&lobby, &owner).await.unwrap();
    assert_eq!(role, Some(Role::Owner), "nothing has changed");

    put_role(&stores, &lobby, &ada, Role::Owner).await.unwrap();
    let demoted = put_role(&stores, &lobby, &owner, Role::Member).await;
    assert_eq!(demoted.unwrap().role, Role::Member, "there is another owner");
    stores.members.remove(&lobby, &owner).await.unwrap();
    assert_eq!(members_count(&stores, &lobby).await, 1);
}

async fn the_last_member_leaves_an_empty_room(stores: Stores) {
    let (owner, lobby) = stores.owner_and_room().await;
    stores.say(&lobby, &owner, "bye").await;
    stores.members.remove(&lobby, &owner).await.unwrap();
    assert_eq!(members_count(&stores, &lobby).await, 0);
    assert_eq!(stores.all(&lobby).await.len(), 1, "what was said stays");

    let ada = stores.account("ada").await;
    let refused = put_role(&stores, &lobby, &ada, Role::Member).await;
    assert!(matches!(refused, Err(MemberError::LastOwner)));
    let first = stores.members.put(&lobby, &ada, joining()).await.unwrap();
    assert_eq!(first.role, Role::Owner, "who finds it empty owns it");
    let second = stores.members.put(&lobby, &owner, joining()).await.unwrap();
    assert_eq!(second.role, Role::Member);
    assert_eq!(second.read_seq, Sequence(0), "a new membership");
}

async fn of_two_last_owners_who_go_at_once_one_stays(stores: Stores) {
    for round in 0..10 {
        let names = ["a", "b", "c"].map(|name| format!("{name}-{round}"));
        let mut users = Vec::new();
        for name in &names {
            users.push(stores.account(name).await);
        }
        let lobby = stores.public(&format!("room-{round}"), &users[0]).await;
        put_role(&stores, &lobby, &users[1], Role::Owner).await.unwrap();
        stores.join(&lobby, &users[2]).await;
        let answers = at_once(2, |index| {
            let (stores, lobby, user) = (stores.clone(), lobby.clone(), users[index].clone());
            async move { stores.members.remove(&lobby, &user).await }
        })
        .await;
        let gone = answers.iter().filter(|answer| answer.is_ok()).count();
        assert_eq!(gone, 1, "an owner stays with the member: {answers:?}");
        assert_eq!(members_count(&stores, &lobby).await, 2);
    }
}

async fn a_direct_room_needs_no_owner(stores: Stores) {
    let (ada, bob) = (stores.account("ada").await, stores.account("bob").await);
    let new = new_room("dm.1", RoomKind::Direct, &[&ada, &bob]);
    let direct = stores.made(new).await.name;
    stores.members.remove(&direct, &ada).await.unwrap();
    stores.members.remove(&direct, &bob).await.unwrap();
    let put = stores.members.put(&direct, &ada, joining()).await.unwrap();
    assert_eq!(put.role, Role::Member);
}

async fn members_are_listed_by_name(stores: Stores) {
    let (owner, lobby) = stores.owner_and_room().await;
    for name in ["cyd", "a.da", "a-da", "bob"] {
        let member = stores.account(name).await;
        stores.join(&lobby, &member).await;
    }
    let seen = [(owner.clone(), START)];
    stores.accounts.touch(&seen).await.unwrap();
    let list = async |after: Option<&str>, limit| {
        let after = after.map(user);
        let members = stores.members.members(&lobby, after.as_ref(), limit).await;
        let names = members.unwrap().into_iter().map(|member| member.user);
        names.map(|name| name.to_string()).collect::<Vec<_>>()
    };
    let all = ["a-da", "a.da", "bob", "cyd", "owner"];
    assert_eq!(list(None, 10).await, all);
    assert_eq!(list(None, 2).await, all[..2]);
    assert_eq!(list(Some("a.da"), 2).await, all[2..4]);
    assert_eq!(list(Some("b"), 10).await, all[2..], "after no member");
    assert_eq!(list(Some("owner"), 10).await, [""; 0]);
    let members = stores.members.members(&lobby, None, 10).await.unwrap();
    assert_eq!(members[4].role, Role::Owner);
    assert_eq!(members[4].last_seen, Some(START));
}

async fn rooms_of_a_user_are_listed_by_name(stores: Stores) {
    let (ada, bob) = (stores.account("ada").await, stores.account("bob").await);
    for name in ["beta", "alpha", "gamma"] {
        let room = stores.public(name, &bob).await;
        stores.say_many(&room, &bob, 4).await;
        if name != "gamma" {
            stores.join(&room, &ada).await;
        }
    }
    let den = stores.room("den", RoomKind::Private, &ada).await;
    let marked = stores.receipts.mark(&room("beta"), &ada, Sequence(3)).await;
    marked.unwrap();
    let rooms = stores.members.rooms_of(&ada).await.unwrap();
    let listed = rooms.iter().map(|(room, member)| {
        assert_eq!(member.user, ada);
        (room.name.as_str(), member.role, member.read_seq.0)
    });
    let expected = [("alpha", Role::Member, 0), ("beta", Role::Member, 3), ("den", Role::Owner, 0)];
    assert_eq!(listed.collect::<Vec<_>>(), expected);
    assert_eq!(rooms[1].0.last_seq, Sequence(4));
    assert_eq!(rooms[1].0.members, 2);
    let found = stores.rooms.find(&den).await.unwrap().unwrap();
    assert_eq!(rooms[2].0, found, "listed as it is");
}

async fn who_was_removed_is_heard_no_more(stores: Stores) {
    let (_, lobby) = stores.owner_and_room().await;
    let ada = stores.account("ada").await;
    stores.join(&lobby, &ada).await;
    let speaking = tokio::spawn({
        let (stores, draft) = (stores.clone(), draft(&lobby, &ada, "still here"));
        async move {
            loop {
                match stores.append(draft.clone(), START).await {
                    Ok(_) => {}
                    Err(AppendError::NotMember) => break,
                    Err(error) => panic!("{error}"),
                }
            }
        }
    });
    while stores.all(&lobby).await.len() < 3 {
        tokio::task::yield_now().await;
    }
    stores.members.remove(&lobby, &ada).await.unwrap();
    let last = stores.rooms.find(&lobby).await.unwrap().unwrap().last_seq;
    speaking.await.unwrap();
    let all = stores.all(&lobby).await;
    assert_eq!(all.len() as u64, last.0, "nothing came after the removal");
}

async fn many_roles_are_asked_for_at_once(stores: Stores) {
    let (owner, lobby) = stores.owner_and_room().await;
    let (ada, den) = (stores.account("ada").await, stores.public("den", &owner).await);
    stores.join(&lobby, &ada).await;
    let asked = [
        (den.clone(), ada.clone()),
        (lobby.clone(), ada.clone()),
        (room("nowhere"), ada.clone()),
        (lobby.clone(), owner.clone()),
        (lobby.clone(), user("nobody")),
        (den, owner),
    ];
    let roles = stores.members.roles(&asked).await.unwrap();
    let (member, owner) = (Some(Role::Member), Some(Role::Owner));
    assert_eq!(roles, [None, member, None, owner, None, owner]);
    assert_eq!(stores.members.roles(&[]).await.unwrap(), []);
    let many = vec![(lobby, ada); 1_000];
    assert_eq!(stores.members.roles(&many).await.unwrap(), vec![member; 1_000]);
}

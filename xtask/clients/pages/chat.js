// What both pages show, whichever library brings it.

const asked = new URL(location.href).searchParams;

export const me = asked.get("user");
export const room = asked.get("room");

/** Where the server is: what one changes to move here. */
export const address = {
  key: asked.get("key"),
  options: { wsHost: asked.get("host"), wsPort: Number(asked.get("port")), forceTLS: false, enabledTransports: ["ws"], cluster: "x" },
};

const element = (id) => document.getElementById(id);

function line(text, kind) {
  const item = document.createElement("li");
  item.textContent = text;
  item.className = kind;
  element("log").append(item);
}

export const chat = {
  say: () => {},
  here: (names) => (element("here").textContent = names.toSorted().join(", ")),
  note: (text) => line(text, "note"),
  heard: (name, text) => line(`${name}: ${text}`, "heard"),
};

element("say").addEventListener("submit", (event) => {
  event.preventDefault();
  const { value } = element("text");
  chat.say(value);
  line(`${me}: ${value}`, "said");
  element("text").value = "";
});

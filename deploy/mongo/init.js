// A replica set of one, and the user that Sluice reads with. Run as often as you like: what is there stays.
// mongosh --nodb init.js, with MONGO_HOST, MONGO_ROOT_PASSWORD and MONGO_PASSWORD in the environment.
const host = process.env.MONGO_HOST;
const root = encodeURIComponent(process.env.MONGO_ROOT_PASSWORD);
db = connect(`mongodb://root:${root}@${host}/admin?directConnection=true`);

if (!db.hello().setName) {
  rs.initiate({_id: "rs0", members: [{_id: 0, host}]});
}
for (let waited = 0; !db.hello().isWritablePrimary; waited += 1) {
  if (waited === 60) throw new Error("there is no primary after 60 s");
  sleep(1000);
}

// It reads documents, and nothing else. For another database: db.grantRolesToUser("sluice", [{role: "read", db: "…"}])
const login = {pwd: process.env.MONGO_PASSWORD, roles: [{role: "read", db: "publishing"}]};
if (db.getUser("sluice")) {
  db.updateUser("sluice", {pwd: login.pwd});
} else {
  db.createUser({user: "sluice", ...login});
}

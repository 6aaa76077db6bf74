"""A service written in Python: a ledger in SQLite, which asks a Lua service for exchange rates."""

import sqlite3

from host.service import Service


class Ledger(Service):
    async def start(self, rates):
        self.rates = rates
        # Handlers run one at a time, but not always on the same thread.
        self.db = sqlite3.connect(":memory:", check_same_thread=False)
        self.db.execute("create table entry (account text, amount real)")

    async def cmd_book(self, account, amount):
        self.db.execute("insert into entry values (?, ?)", (account, amount))

    async def cmd_total(self, account, currency):
        (total,) = self.db.execute("select sum(amount) from entry where account = ?", (account,)).fetchone()
        if total is None:
            raise LookupError(f"no such account: {account}")
        rate = await self.call(self.rates, "lua", "rate", currency)
        return {"account": account, "total": total * rate, "currency": currency}

    def release(self):
        self.db.close()


create, init, release, signal = Ledger.hooks()

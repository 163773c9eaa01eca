-- The outbox: what is to be done at peers, kept until it is done or nobody hopes any more. Times are milliseconds since 1970, UTC.
-- The same table as in ../sqlite.

create table outbox (
    number bigint generated always as identity primary key,
    kind text not null,                      -- which work
    key text not null unique,                -- the same thing is put once
    what text not null,                      -- for people, one line
    payload text not null,                   -- JSON; '' once it is done
    state text not null,                     -- 'waiting', 'done', 'dead'
    made_at bigint not null,
    tries bigint not null,                   -- begun ones
    next_at bigint not null,                 -- when to try, or until when somebody tries
    why text not null                        -- the last try failed
);
create index outbox_due on outbox (next_at, number) where state = 'waiting';
create index outbox_of_state on outbox (state, number);
create index outbox_age on outbox (made_at) where state <> 'waiting';

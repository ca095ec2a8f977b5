"""The life of an order, kept by the database: which status follows which, each change recorded, no cent astray."""

from __future__ import annotations

from alembic import op

revision = "0003a"
down_revision = "0003"
branch_labels = None
depends_on = None

# What no check constraint can say: which change follows which, and that each is recorded.
_GUARDS = (
    """
create function pw.order_guard() returns trigger language plpgsql as $$
declare
    allowed boolean;
begin
    if (new.number, new.kind, new.customer_id, new.placed_at) is distinct from
       (old.number, old.kind, old.customer_id, old.placed_at) then
        raise exception 'order %: number, kind, customer and day of placing never change', old.number
            using errcode = 'check_violation';
    end if;
    if old.paid_at is not null and
       (new.paid_at, new.currency, new.subtotal, new.discount, new.fees, new.surcharge, new.total) is distinct from
       (old.paid_at, old.currency, old.subtotal, old.discount, old.fees, old.surcharge, old.total) then
        raise exception 'order %: it is paid, so its money never changes', old.number
            using errcode = 'check_violation';
    end if;
    if new.status = old.status then
        if new.held_from is distinct from old.held_from then
            raise exception 'order %: held_from never changes while it is held', old.number
                using errcode = 'check_violation';
        end if;
        return new;
    end if;
    allowed := case old.status
        when 'received' then new.status in ('processing', 'cancelled', 'held')
        when 'processing' then new.status in ('submitted', 'refunded', 'held')
        when 'submitted' then new.status in ('processing', 'filed', 'refunded', 'held')
        when 'filed' then new.status in ('delivered', 'refunded', 'held')
        when 'delivered' then new.status in ('refunded', 'held')
        when 'cancelled' then new.status = 'held'
        when 'refunded' then new.status = 'held'
        when 'held' then new.status = old.held_from
            or new.status in ('cancelled', 'refunded')
            or (new.status = 'processing' and old.held_from in ('received', 'cancelled', 'submitted'))
        else false
    end;
    if not allowed then
        raise exception 'order %: % is never followed by %', old.number, old.status, new.status
            using errcode = 'check_violation';
    end if;
    if new.status = 'held' and new.held_from is distinct from old.status then
        raise exception 'order %: it is held from %, not from %', old.number, old.status, new.held_from
            using errcode = 'check_violation';
    end if;
    return new;
end $$""",
    """
create trigger orders_guard before update on pw.orders for each row execute function pw.order_guard()""",
    """
create function pw.order_begins() returns trigger language plpgsql as $$
begin
    if new.status <> 'received' or
       coalesce(new.paid_at, new.delivered_at, new.closed_at) is not null then
        raise exception 'order %: an order begins as received, unpaid', new.number using errcode = 'check_violation';
    end if;
    return new;
end $$""",
    """
create trigger orders_begin before insert on pw.orders for each row execute function pw.order_begins()""",
    """
create function pw.order_is_accounted_for() returns trigger language plpgsql as $$
declare
    before_status text := case when tg_op = 'UPDATE' then old.status end;
    billed numeric;
begin
    if new.status is distinct from before_status and not exists (
        select from pw.order_events e
        where e.order_id = new.order_id and e.what = 'status' and e.before is not distinct from before_status
            and e.after = new.status
    ) then
        raise exception 'order %: the change from % to % is not recorded in order_events', new.number, before_status,
            new.status using errcode = 'check_violation';
    end if;
    select coalesce(sum(amount), 0) into billed from pw.order_lines where order_id = new.order_id;
    if billed <> (select o.total from pw.orders o where o.order_id = new.order_id) then
        raise exception 'order %: its lines add up to %, not to its total', new.number, billed
            using errcode = 'check_violation';
    end if;
    if tg_op = 'UPDATE' and old.paid_at is null and new.paid_at is not null and not exists (
        select from pw.payments p
        where p.order_id = new.order_id and p.state <> 'surplus' and p.currency = new.currency
    ) then
        raise exception 'order %: it is called paid, and no payment pays it', new.number
            using errcode = 'check_violation';
    end if;
    return null;
end $$""",
    """
create constraint trigger orders_are_accounted_for after insert or update on pw.orders
    deferrable initially deferred for each row execute function pw.order_is_accounted_for()""",
    """
create function pw.order_lines_add_up() returns trigger language plpgsql as $$
declare
    which bigint := case when tg_op = 'DELETE' then old.order_id else new.order_id end;
    billed record;
begin
    select o.number, o.total, coalesce(sum(l.amount), 0) as lines into billed
    from pw.orders o left join pw.order_lines l using (order_id)
    where o.order_id = which group by o.order_id;
    if billed.total <> billed.lines then
        raise exception 'order %: its lines add up to %, not to %', billed.number, billed.lines, billed.total
            using errcode = 'check_violation';
    end if;
    return null;
end $$""",
    """
create constraint trigger order_lines_add_up after insert or update or delete on pw.order_lines
    deferrable initially deferred for each row execute function pw.order_lines_add_up()""",
    """
create function pw.order_events_are_kept() returns trigger language plpgsql as $$
begin
    raise exception 'order_events is never changed, only added to' using errcode = 'check_violation';
end $$""",
    """
create trigger order_events_are_kept before update or delete on pw.order_events
    for each row execute function pw.order_events_are_kept()""",
)
# Each function and the triggers that call it.
_FUNCTIONS = (
    "order_guard",
    "order_begins",
    "order_is_accounted_for",
    "order_lines_add_up",
    "order_events_are_kept",
)


def upgrade() -> None:
    for statement in _GUARDS:
        op.execute(statement)


def downgrade() -> None:
    for function in _FUNCTIONS:
        op.execute(f"drop function pw.{function}() cascade")

-- Providers of the edition right before the latest one, of which the latest shows neither FRN, provider ID nor holding company.
-- 190 days: half a year, so the two editions follow each other.
{{ bdc_gone(
    last_seen='b.edition_rank = 2 and l.edition_on - b.edition_on < 190',
    held_when='f.frn is not null and not f.is_active',
    held_why='Its Form 499 registrations have ended: it may have left the business.') }}

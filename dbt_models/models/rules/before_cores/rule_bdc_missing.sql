-- Providers of an earlier edition, but not of the one right before, that still show life in other records.
{{ bdc_gone(
    last_seen='b.edition_rank > 2 or l.edition_on - b.edition_on >= 190',
    held_when='r.frn is null and not coalesce(f.is_active, false)',
    held_why='Nothing else shows that it is still in business.') }}

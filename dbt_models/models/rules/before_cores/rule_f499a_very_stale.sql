-- Active filers whose registration is two or more yearly cycles behind.
{{ form499a_behind("f.current_as_of < y.nominal_on - interval '1 year'") }}

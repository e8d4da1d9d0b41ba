"""Countries, and the numbers there when somebody is in danger now."""

# ISO 3166-1, alpha-2.
_CODES = """
    AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR
    BS BT BV BW BY BZ CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC
    EE EG EH ER ES ET FI FJ FK FM FO FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK
    HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB
    LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO MP MQ MR MS MT MU MV MW MX MY MZ
    NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW PY QA RE RO RS RU
    RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM TN
    TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW"""
COUNTRIES = frozenset(_CODES.split())
# Where services of the European Union (`EU` in the directory) help.
_UNION = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"
UNION = frozenset(_UNION.split())
# The numbers that ITU-T E.161.1 keeps for emergencies, and those of some countries. They are law,
# not a listing: nobody has to verify them every half year.
ANYWHERE = ("112", "911")
_EMERGENCY = {
    "AU": ("000",), "CA": ("911",), "CH": ("112",), "GB": ("999",), "IN": ("112",), "IS": ("112",),
    "JP": ("119", "110"), "LI": ("112",), "MX": ("911",), "NO": ("112",), "NZ": ("111",),
    "UA": ("112",), "US": ("911",),
}  # fmt: skip


def emergency(country: str) -> tuple[str, ...]:
    """Return the numbers for danger now in a country, or none where we do not know them."""
    return ("112",) if country in UNION else _EMERGENCY.get(country, ())


def regions(country: str) -> tuple[str, ...]:
    """Return what the directory calls a place, from the nearest to the widest."""
    if not country:
        return ("*",)
    return (country, "EU", "*") if country in UNION else (country, "*")

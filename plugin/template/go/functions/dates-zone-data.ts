/**
 * Every time zone that Go loads by name, with the letters that it prints for each offset since 1970.
 *
 * One line for all zones with the same letters: `CET=60 CEST=120: zones`, offsets in minutes. `ABC=60<0` holds before that
 * second since 1970; `+` is the offset in digits (+03), which is also what stands for an offset that is not listed. A line
 * that begins with a space continues the one before. Source: the tz database (public domain), release 2025c.
 */
export const zoneLines = `
: Africa/Casablanca Africa/El_Aaiun America/Araguaina America/Argentina/Buenos_Aires America/Argentina/Catamarca
 America/Argentina/ComodRivadavia America/Argentina/Cordoba America/Argentina/Jujuy America/Argentina/La_Rioja
 America/Argentina/Mendoza America/Argentina/Rio_Gallegos America/Argentina/Salta America/Argentina/San_Juan
 America/Argentina/San_Luis America/Argentina/Tucuman America/Argentina/Ushuaia America/Asuncion America/Bahia
 America/Belem America/Boa_Vista America/Bogota America/Buenos_Aires America/Campo_Grande America/Caracas
 America/Catamarca America/Cayenne America/Cordoba America/Coyhaique America/Cuiaba America/Eirunepe
 America/Fortaleza America/Godthab America/Guayaquil America/Guyana America/Jujuy America/La_Paz America/Lima
 America/Maceio America/Manaus America/Mendoza America/Montevideo America/Noronha America/Nuuk America/Paramaribo
 America/Porto_Acre America/Porto_Velho America/Punta_Arenas America/Recife America/Rio_Branco America/Rosario
 America/Santarem America/Santiago America/Sao_Paulo America/Scoresbysund Antarctica/Casey Antarctica/Davis
 Antarctica/DumontDUrville Antarctica/Mawson Antarctica/Palmer Antarctica/Syowa Asia/Aden Asia/Almaty Asia/Anadyr
 Asia/Aqtau Asia/Aqtobe Asia/Ashgabat Asia/Ashkhabad Asia/Atyrau Asia/Baghdad Asia/Bahrain Asia/Baku Asia/Bangkok
 Asia/Barnaul Asia/Bishkek Asia/Brunei Asia/Chita Asia/Choibalsan Asia/Colombo Asia/Dacca Asia/Dhaka Asia/Dili
 Asia/Dubai Asia/Dushanbe Asia/Ho_Chi_Minh Asia/Hovd Asia/Irkutsk Asia/Kabul Asia/Kamchatka Asia/Kashgar
 Asia/Kathmandu Asia/Katmandu Asia/Khandyga Asia/Krasnoyarsk Asia/Kuala_Lumpur Asia/Kuching Asia/Kuwait
 Asia/Magadan Asia/Muscat Asia/Novokuznetsk Asia/Novosibirsk Asia/Omsk Asia/Oral Asia/Phnom_Penh Asia/Qatar
 Asia/Qostanay Asia/Qyzylorda Asia/Rangoon Asia/Riyadh Asia/Saigon Asia/Sakhalin Asia/Samarkand Asia/Singapore
 Asia/Srednekolymsk Asia/Tashkent Asia/Tbilisi Asia/Tehran Asia/Thimbu Asia/Thimphu Asia/Tomsk Asia/Ulaanbaatar
 Asia/Ulan_Bator Asia/Urumqi Asia/Ust-Nera Asia/Vientiane Asia/Vladivostok Asia/Yakutsk Asia/Yangon
 Asia/Yekaterinburg Asia/Yerevan Atlantic/Cape_Verde Atlantic/South_Georgia Atlantic/Stanley Australia/Eucla
 Brazil/Acre Brazil/DeNoronha Brazil/East Brazil/West Chile/Continental Chile/EasterIsland Etc/GMT+1 Etc/GMT+10
 Etc/GMT+11 Etc/GMT+12 Etc/GMT+2 Etc/GMT+3 Etc/GMT+4 Etc/GMT+5 Etc/GMT+6 Etc/GMT+7 Etc/GMT+8 Etc/GMT+9 Etc/GMT-1
 Etc/GMT-10 Etc/GMT-11 Etc/GMT-12 Etc/GMT-13 Etc/GMT-14 Etc/GMT-2 Etc/GMT-3 Etc/GMT-4 Etc/GMT-5 Etc/GMT-6
 Etc/GMT-7 Etc/GMT-8 Etc/GMT-9 Europe/Astrakhan Europe/Samara Europe/Saratov Europe/Ulyanovsk Indian/Chagos
 Indian/Christmas Indian/Cocos Indian/Kerguelen Indian/Mahe Indian/Maldives Indian/Mauritius Indian/Reunion Iran
 Kwajalein NZ-CHAT Pacific/Apia Pacific/Bougainville Pacific/Chatham Pacific/Chuuk Pacific/Easter Pacific/Efate
 Pacific/Enderbury Pacific/Fakaofo Pacific/Fiji Pacific/Funafuti Pacific/Galapagos Pacific/Gambier
 Pacific/Guadalcanal Pacific/Kanton Pacific/Kiritimati Pacific/Kosrae Pacific/Kwajalein Pacific/Majuro
 Pacific/Marquesas Pacific/Nauru Pacific/Niue Pacific/Norfolk Pacific/Noumea Pacific/Palau Pacific/Pitcairn
 Pacific/Pohnpei Pacific/Ponape Pacific/Port_Moresby Pacific/Rarotonga Pacific/Tahiti Pacific/Tarawa
 Pacific/Tongatapu Pacific/Truk Pacific/Wake Pacific/Wallis Pacific/Yap Singapore
+=0<725421600 WET=0<740278800 WEST=60: Atlantic/Azores
+=300<38775600 PKT=300 PKST=360: Asia/Karachi
-00=0: Antarctica/Rothera Antarctica/Vostok Factory
-00=0<1108166400: Antarctica/Troll
ACST=570: Australia/Darwin Australia/North
ACST=570 ACDT=630: Australia/Adelaide Australia/Broken_Hill Australia/South Australia/Yancowinna
AEST=600: Australia/LHI Australia/Lord_Howe
AEST=600 AEDT=660: Antarctica/Macquarie Australia/ACT Australia/Brisbane Australia/Canberra Australia/Currie
 Australia/Hobart Australia/Lindeman Australia/Melbourne Australia/NSW Australia/Queensland Australia/Sydney
 Australia/Tasmania Australia/Victoria
AHST=-600 AHDT=-540<436359600 YST=-540<439030800 AKST=-540 AKDT=-480: America/Anchorage US/Alaska
AKST=-540 PST=-480<1457866800 AKDT=-480<1541325600 PST=-480<1552215600 AKDT=-480 PDT=-420: America/Metlakatla
AST=-240: America/Anguilla America/Antigua America/Aruba America/Blanc-Sablon America/Curacao America/Dominica
 America/Grenada America/Guadeloupe America/Kralendijk America/Lower_Princes America/Marigot America/Miquelon
 America/Montserrat America/Port_of_Spain America/Puerto_Rico America/St_Barthelemy America/St_Kitts
 America/St_Lucia America/St_Thomas America/St_Vincent America/Tortola America/Virgin
AST=-240 ADT=-180: America/Barbados America/Glace_Bay America/Halifax America/Martinique America/Moncton
 America/Thule Atlantic/Bermuda Canada/Atlantic
AST=-240 ADT=-180 ADDT=-120: America/Goose_Bay
AWST=480 AWDT=540: Australia/Perth Australia/West
BST=-660 BDT=-600 YST=-540<439030800 AKST=-540 AKDT=-480: America/Nome
BST=-660 BDT=-600<436363200 AHST=-600<439034400 HST=-600 HDT=-540: America/Adak America/Atka US/Aleutian
CAT=120: Africa/Blantyre Africa/Bujumbura Africa/Gaborone Africa/Harare Africa/Kigali Africa/Lubumbashi
 Africa/Lusaka Africa/Maputo
CAT=120 CAST=180<947930400 EAT=180: Africa/Juba Africa/Khartoum
CET=60 CEST=120: Africa/Tunis Arctic/Longyearbyen Atlantic/Jan_Mayen CET Europe/Amsterdam Europe/Andorra
 Europe/Belgrade Europe/Berlin Europe/Bratislava Europe/Brussels Europe/Budapest Europe/Busingen
 Europe/Copenhagen Europe/Gibraltar Europe/Ljubljana Europe/Luxembourg Europe/Madrid Europe/Malta Europe/Monaco
 Europe/Oslo Europe/Paris Europe/Podgorica Europe/Prague Europe/Rome Europe/San_Marino Europe/Sarajevo
 Europe/Skopje Europe/Stockholm Europe/Tirane Europe/Vaduz Europe/Vatican Europe/Vienna Europe/Warsaw
 Europe/Zagreb Europe/Zurich Poland
CET=60 EET=120<386463600 CEST=120<641775600 EET=120<860108400 CEST=120<875916000 EET=120<1364515200
 CEST=120<1382659200 EET=120: Africa/Tripoli Libya
CET=60 EET=120<891133200 CEST=120<941331600 EET=120 MSK=180<606870000 EEST=180 MSD=240: Europe/Vilnius
CST=-300 CDT=-240: America/Havana Cuba
CST=-360: America/Regina Canada/Saskatchewan
CST=-360 CDT=-300: America/Belize America/Chicago America/Costa_Rica America/El_Salvador America/Guatemala
 America/Matamoros America/Mexico_City America/Monterrey America/Rainy_River America/Tegucigalpa America/Winnipeg
 CST6CDT Canada/Central Mexico/General US/Central
CST=-360 CDT=-300<247042800 EST=-300<1143961200 CDT=-300<1194159600 EST=-300 EDT=-240:
 America/Indiana/Petersburg
CST=-360 CDT=-300<688546800 EST=-300<1143961200 CDT=-300: America/Indiana/Knox America/Knox_IN US/Indiana-Starke
CST=-360 CDT=-300<972802800 EST=-300 EDT=-240: America/Kentucky/Monticello
CST=-360 CDT=-300<972802800 EST=-300<986112000 CDT=-300: America/Rankin_Inlet
CST=-360 CDT=-300<972802800 EST=-300<986112000 CDT=-300<1162105200 EST=-300<1173600000 CDT=-300:
 America/Resolute
CST=-360 EST=-300<104914800 CDT=-300: America/Menominee
CST=-360 EST=-300<1143961200 CDT=-300 EDT=-240: America/Indiana/Tell_City
CST=-360 EST=-300<1143961200 CDT=-300<1194156000 EST=-300 EDT=-240: America/Indiana/Winamac
CST=-360 EST=-300<1143961200 CDT=-300<1194159600 EST=-300 EDT=-240: America/Indiana/Vincennes
CST=-360 EST=-300<290584800 CDT=-300<694260000 EST=-300<1113112800 CDT=-300: America/Managua
CST=-360 EST=-300<828864000 CDT=-300: America/Merida
CST=-360 EST=-300<828864000 CDT=-300<877849200 EST=-300<902037600 CDT=-300<1422777600 EST=-300 EDT=-240:
 America/Cancun
CST=-360 EST=-300<954662400 CDT=-300<972802800 EST=-300 EDT=-240: America/Iqaluit America/Pangnirtung
CST=480 CDT=540: Asia/Chongqing Asia/Chungking Asia/Harbin Asia/Macao Asia/Macau Asia/Shanghai Asia/Taipei PRC
 ROC
EAT=180: Africa/Addis_Ababa Africa/Asmara Africa/Asmera Africa/Dar_es_Salaam Africa/Djibouti Africa/Kampala
 Africa/Mogadishu Africa/Nairobi Indian/Antananarivo Indian/Comoro Indian/Mayotte
EET=120 EEST=180: Africa/Cairo Asia/Beirut Asia/Nicosia EET Egypt Europe/Athens Europe/Bucharest Europe/Helsinki
 Europe/Mariehamn Europe/Nicosia Europe/Sofia
EET=120 EEST=180<1473282000 +=180<1521939600 EEST=180: Asia/Famagusta
EET=120 EEST=180<1666904400: Asia/Damascus
EET=120 EEST=180<1666908000: Asia/Amman
EET=120 EEST=180<267915600 +=180<482799600 EEST=180<1473195600: Asia/Istanbul Europe/Istanbul Turkey
EET=120 MSK=180<606870000 EEST=180 MSD=240: Europe/Riga Europe/Tallinn
EET=120 MSK=180<606870000 EEST=180<1301184000 MSD=240: Europe/Kaliningrad
EET=120 MSK=180<641944800 EEST=180 MSD=240: Europe/Chisinau Europe/Tiraspol
EET=120 MSK=180<646783200 EEST=180 MSD=240: Europe/Kiev Europe/Kyiv Europe/Uzhgorod Europe/Zaporozhye
EET=120 MSK=180<670374000 EEST=180<1301184000 MSD=240: Europe/Minsk
EET=120 MSK=180<670374000 EEST=180<695779200 MSK=180 MSD=240<1301180400 MSK=240: Europe/Moscow W-SU
EET=120 MSK=180<701827200 EEST=180<780447600 MSK=180<859683600 EEST=180<1414274400 MSK=180 MSD=240<1396137600
 MSK=240: Europe/Simferopol
EST=-300: America/Atikokan America/Cayman America/Coral_Harbour America/Panama EST
EST=-300 AST=-240: America/Santo_Domingo
EST=-300 EDT=-240: America/Detroit America/Fort_Wayne America/Indiana/Indianapolis America/Indiana/Vevay
 America/Indianapolis America/Jamaica America/Montreal America/Nassau America/New_York America/Nipigon
 America/Port-au-Prince America/Thunder_Bay America/Toronto Canada/Eastern EST5EDT Jamaica US/East-Indiana
 US/Eastern US/Michigan
EST=-300 EDT=-240<1425798000 AST=-240<1520751600 EDT=-240: America/Grand_Turk
EST=-300<126687600 CDT=-300<152089200 EST=-300 EDT=-240: America/Indiana/Marengo America/Kentucky/Louisville
 America/Louisville
GMT=0: Africa/Abidjan Africa/Accra Africa/Bamako Africa/Banjul Africa/Bissau Africa/Conakry Africa/Dakar
 Africa/Freetown Africa/Lome Africa/Nouakchott Africa/Ouagadougou Africa/Timbuktu America/Danmarkshavn
 Atlantic/Reykjavik Atlantic/St_Helena Etc/GMT Etc/GMT+0 Etc/GMT-0 Etc/GMT0 Etc/Greenwich GMT GMT+0 GMT-0 GMT0
 Greenwich Iceland
GMT=0 BST=60: Europe/Belfast Europe/Guernsey Europe/Isle_of_Man Europe/Jersey Europe/London GB GB-Eire
GMT=0 IST=60: Eire Europe/Dublin
GMT=0 WAT=60: Africa/Sao_Tome
GST=600<977493600 ChST=600 GDT=660: Pacific/Guam Pacific/Saipan
HKT=480 HKST=540: Asia/Hong_Kong Hongkong
HST=-600: HST Pacific/Honolulu Pacific/Johnston US/Hawaii
IST=120 IDT=180: Asia/Jerusalem Asia/Tel_Aviv Israel
IST=120<820447200 EET=120 IDT=180<828655200 EEST=180: Asia/Gaza Asia/Hebron
IST=330: Asia/Calcutta Asia/Kolkata
JST=540: Asia/Tokyo Japan
KST=510 KST=540: Asia/Pyongyang
KST=540 KDT=600: Asia/Seoul ROK
MET=60 MEST=120: MET
MMT=-44.5 GMT=0: Africa/Monrovia
MSK=180 +=240<575416800 MSD=240<670374000 +=240<701820000 MSD=240<1301180400 MSK=240<1540681200:
 Europe/Volgograd
MSK=180 +=240<606866400 MSD=240<670374000 +=240<701820000 MSD=240<1301180400 MSK=240: Europe/Kirov
MST=-420: America/Creston America/Phoenix MST US/Arizona
MST=-420 CST=-360: America/Swift_Current
MST=-420 CST=-360<891766800 MDT=-360<1667116800 CST=-360 CDT=-300: America/Chihuahua America/Ojinaga
MST=-420 CST=-360<891766800 MDT=-360<1667116800 CST=-360<1678611600 MDT=-360 CDT=-300: America/Ciudad_Juarez
MST=-420 MDT=-360: America/Boise America/Denver America/Edmonton America/Hermosillo America/Mazatlan
 America/Shiprock America/Yellowknife Canada/Mountain MST7MDT Mexico/BajaSur Navajo US/Mountain
MST=-420 MDT=-360<1067155200 CST=-360 CDT=-300: America/North_Dakota/New_Salem
MST=-420 MDT=-360<1288508400 CST=-360 CDT=-300: America/Bahia_Banderas
MST=-420 MDT=-360<1289116800 CST=-360 CDT=-300: America/North_Dakota/Beulah
MST=-420 MDT=-360<720000000 CST=-360 CDT=-300: America/North_Dakota/Center
MST=-420 MDT=-360<941356800 CST=-360<986115600 MDT=-360 CDT=-300<972802800 EST=-300: America/Cambridge_Bay
NST=-210 NDT=-150 NDDT=-90: America/St_Johns Canada/Newfoundland
NZST=720 NZDT=780: Antarctica/McMurdo Antarctica/South_Pole NZ Pacific/Auckland
PST=-480 PDT=-420: America/Ensenada America/Los_Angeles America/Santa_Isabel America/Tijuana America/Vancouver
 Canada/Pacific Mexico/BajaNorte PST8PDT US/Pacific
PST=-480 PDT=-420<1425808800 MST=-420: America/Fort_Nelson
PST=-480 PDT=-420<1604214000 MST=-420: America/Whitehorse Canada/Yukon
PST=-480 PDT=-420<309945600 MST=-420 MDT=-360: America/Inuvik
PST=-480 PDT=-420<84013200 MST=-420: America/Dawson_Creek
PST=480 PDT=540: Asia/Manila
SAST=120: Africa/Johannesburg Africa/Maseru Africa/Mbabane
SST=-660: Pacific/Midway Pacific/Pago_Pago Pacific/Samoa US/Samoa
UTC=0: Etc/UCT Etc/UTC Etc/Universal Etc/Zulu UCT UTC Universal Zulu
WAT=60: Africa/Bangui Africa/Brazzaville Africa/Douala Africa/Kinshasa Africa/Lagos Africa/Libreville
 Africa/Luanda Africa/Malabo Africa/Niamey Africa/Porto-Novo
WAT=60 SAST=120<637970400 CAT=120: Africa/Windhoek
WAT=60 WAST=120: Africa/Ndjamena
WET=0 CET=60<228268800 WEST=60<717555600 CET=60<828234000 WEST=60 CEST=120: Europe/Lisbon Portugal
WET=0 WEST=60: Atlantic/Canary Atlantic/Faeroe Atlantic/Faroe Atlantic/Madeira WET
WET=0 WEST=60<246236400 CET=60<325468800 WEST=60<357523200 CET=60 CEST=120: Africa/Algiers
WET=0 WEST=60<448243200 CET=60 CEST=120: Africa/Ceuta
WIB=420: Asia/Jakarta
WIB=420 WITA=480: Asia/Pontianak
WIT=540: Asia/Jayapura
WITA=480: Asia/Makassar Asia/Ujung_Pandang
YST=-540 PST=-480 PDT=-420<1604214000 MST=-420: America/Dawson
YST=-540<439030800 AKST=-540 PST=-480<325677600 YDT=-480<341402400 PST=-480<452084400 AKDT=-480 PDT=-420:
 America/Juneau
YST=-540<439030800 AKST=-540 PST=-480<452084400 AKDT=-480 PDT=-420: America/Sitka
YST=-540<439030800 AKST=-540 YDT=-480<452084400 AKDT=-480: America/Yakutat
`;

"""Words that stand for somebody, or for nobody, without being a name.

Own tables, a line or more a language, and no package: the wordnets' data are not in the registry, the
CLDR's names of people (as the package emoji carries them) lack kin and titles, and no package lists what
subtitles use as labels.
Words that are common first names as well (Rey, Ana, Ben) are left out: a label that names nobody costs a
claim, but so does one that names everybody's king.
"""

from __future__ import annotations

from sensorium.ops.folding import fold

# What may stand before a name, or behind it; alone it is no name.
_TITLES = """
president senator governor minister chancellor king queen prince princess lord lady sir dame dr doctor
prof professor mr mrs ms mx miss mister captain capt colonel general gen sergeant sgt lieutenant officer
detective judge father sister brother uncle aunt agent chief coach madam ma'am saint st rev reverend
herr frau fräulein doktor professorin könig königin graf gräfin hauptmann kommissar kommissarin onkel
tante monsieur m mme madame mlle mademoiselle docteur maître professeur capitaine père mère frère sœur
oncle señor sr señora sra señorita srta doña doctora profesor profesora capitán tío tía signor signore
sig signora signorina dott dottore dottoressa professore professoressa capitano zio zia senhor senhora
dona doutor doutora dra professora capitão tio meneer mevrouw mijnheer juffrouw dokter oom pan pani
kapitan wujek ciocia господин госпожа г-н г-жа гн гжа доктор профессор капитан майор полковник товарищ
мистер миссис мисс дядя тетя тётя пан пані професор pán paní slečna herra rouva neiti tohtori fru fröken
doktorn bay bayan bey hanım efendi profesör κύριος κύριε κυρία κα κος δεσποινίς δρ domnul doamna
domnișoara dl dna السيد السيدة سيد سيدة الدكتور دكتور دكتورة الأستاذ أستاذ الشيخ الأمير الأميرة الملك
الملكة آقای خانم دکتر استاد מר גברת גב ד"ר דר דוקטור פרופסור פרופ אדון श्री श्रीमती सुश्री डॉ डॉक्टर प्रोफेसर
जी साहब ดร คุณ นาย นาง นางสาว เด็กชาย เด็กหญิง bapak ibu pak bu tuan nyonya nona ông bà anh chị cô chú bác
"""
# Written onto the name in scripts without blanks, and in Korean.
SUFFIXES = (
    "さん", "ちゃん", "くん", "さま", "君", "様", "殿", "先生", "先輩", "氏", "教授", "博士", "部長", "社長",
    "小姐", "女士", "太太", "老师", "老師", "医生", "醫生", "夫人", "总统", "總統", "씨", "님", "군", "양",
    "선생님", "선생", "교수님", "박사님", "박사", "사장님", "부장님",
)  # fmt: skip
_ROLES = """
colleague partner guest guests assistant roommate fiancé fiancée ladies gentlemen folks kollege kollegin
gast collègue invité colega invitado collega ospite convidado gość коллега гость 嘉宾 同事 客人 동료
narrator narration man men woman women boy boys girl girls child children kid kids baby voice voices
voiceover announcer presenter host hostess reporter journalist anchor interviewer interviewee moderator
speaker speakers unknown unidentified male female all both everyone everybody crowd audience people
group chorus choir singer singers operator caller dispatcher guard soldier soldiers nurse driver waiter
waitress teacher student students computer radio tv television phone telephone recording robot intercom
translator interpreter mom mum mommy mummy mother dad daddy mama papa grandma grandmother grandpa
grandfather granny son daughter wife husband parents cousin nephew niece friend neighbour neighbor boss
policeman policewoman cop police director producer lawyer doctor clerk cashier receptionist secretary
priest pastor nun monk butler maid cook chef barman bartender pilot sailor farmer mechanic thief killer
murderer victim witness patient customer client boyfriend girlfriend bride groom guys stranger passenger
old young first second third other another actor actress author erzähler erzählerin sprecher sprecherin
mann männer frauen junge jungen mädchen kind kinder stimme stimmen moderatorin reporterin alle beide
menge publikum chor sänger sängerin wache wächter soldat soldaten krankenschwester pfleger fahrer
kellner kellnerin lehrer lehrerin schüler schülerin mutter vater oma großmutter opa großvater sohn
tochter ehefrau ehemann eltern bruder schwester cousine neffe nichte freund freundin nachbar nachbarin
chefin polizist polizistin regisseur regisseurin anwalt anwältin arzt ärztin priester pfarrer nonne
mönch koch köchin bauer dieb mörder opfer zeuge zeugin patientin kunde kundin richter richterin
schauspieler schauspielerin unbekannt unbekannter der die das ein eine bürgermeister narrateur
narratrice homme hommes femme femmes garçon garçons fille filles enfant enfants bébé voix présentateur
présentatrice journaliste tous toutes foule chœur chanteur chanteuse garde soldats infirmière infirmier
chauffeur serveur serveuse élève étudiant étudiante maman mère grand-mère mamie grand-père papy fils
épouse frère neveu nièce ami amie voisin voisine patron policier policière réalisateur réalisatrice
avocat avocate médecin prêtre curé moine cuisinier fermier voleur tueur victime témoin cliente juge
acteur actrice inconnu inconnue roi le la les un une l' maire narrador narradora hombre hombres mujer
mujeres niño niños niña niñas chico chica muchacho muchacha bebé voz voces locutor locutora presentador
presentadora periodista todos todas multitud coro cantante guardia soldado soldados enfermera enfermero
conductor camarero camarera maestro maestra alumno alumna estudiante mamá madre papá padre abuela abuelo
hijo hija esposa esposo marido padres hermano hermana primo prima sobrino sobrina amigo amiga vecino
vecina jefe jefa policía directora abogado abogada médico médica cura monje cocinero granjero ladrón
asesino víctima testigo paciente juez jueza actriz desconocido desconocida reina el los las una alcalde
narratore uomo uomini donne ragazzo ragazzi ragazza ragazze bambino bambina bambini voce voci
presentatore presentatrice giornalista tutti tutte folla soldato soldati infermiera infermiere autista
cameriere cameriera insegnante studente studentessa mamma papà babbo nonna nonno figlio figlia moglie
marito genitori fratello sorella cugino cugina nipote amico amica vicino vicina capo poliziotto
poliziotta regista avvocato medico prete suora monaco cuoco ladro assassino vittima testimone paziente
giudice attore attrice sconosciuto sconosciuta re il lo gli i sindaco homem homens mulher mulheres
menino menina rapaz moça garoto garota criança crianças apresentador apresentadora jornalista multidão
cantor cantora enfermeira enfermeiro motorista garçom garçonete aluno aluna mãe mamãe pai papai avó avô
vovó vovô filho filha irmão irmã sobrinho sobrinha vizinho vizinha chefe diretor diretora advogado
advogada freira monge cozinheiro fazendeiro ladrão vítima testemunha juiz juíza ator atriz desconhecido
desconhecida o os as um prefeito verteller mannen vrouw vrouwen jongen meisje kinderen stem stemmen
iedereen menigte koor zanger zangeres bewaker verpleegster verpleger ober serveerster leraar lerares
moeder vader zoon dochter echtgenoot ouders broer zus neef nicht vriend vriendin buurman buurvrouw baas
agent politie advocaat arts kok boer dief moordenaar slachtoffer getuige rechter koning koningin het een
burgemeester lektor mężczyzna mężczyźni kobieta kobiety chłopiec chłopak dziewczyna dziewczynka dziecko
dzieci głos głosy dziennikarz dziennikarka wszyscy tłum chór piosenkarz strażnik żołnierz żołnierze
pielęgniarka kierowca kelner kelnerka nauczyciel nauczycielka uczeń matka ojciec tata babcia dziadek syn
córka żona mąż rodzice brat siostra kuzyn kuzynka przyjaciel przyjaciółka sąsiad sąsiadka szef policjant
reżyser prawnik lekarz lekarka ksiądz zakonnica mnich kucharz rolnik złodziej morderca ofiara świadek
pacjent klient sędzia aktor aktorka nieznany król królowa рассказчик диктор мужчина мужчины женщина
женщины мальчик девочка девушка парень ребенок ребёнок дети голос голоса ведущий ведущая журналист
журналистка репортер все оба толпа хор певец певица охранник солдат солдаты медсестра водитель официант
официантка учитель учительница ученик студент студентка мать мама мамочка отец папа бабушка дедушка сын
дочь жена муж родители брат сестра друг подруга сосед соседка начальник шеф полицейский милиционер
режиссер режиссёр адвокат врач священник монах повар фермер вор убийца жертва свидетель пациент клиент
судья актер актёр актриса неизвестный король королева царь старик старуха оповідач чоловік жінка хлопець
хлопчик дівчина дівчинка дитина діти натовп лікар мати мамо батько тато бабуся дідусь син дочка дружина
сусід вчитель вчителька усі всі vypravěč muž žena chlapec dívka dítě děti hlas máma otec táta babička
dědeček dcera manžel manželka bratr sestra přítel přítelkyně lékař lékařka učitel učitelka policista
režisér všichni král královna berättare kvinna pojke flicka barn röst mor far pappa mormor farmor morfar
farfar bror syster vän läkare lärare polis regissör alla kung drottning fortæller kvinde dreng pige
stemme søster læge lærer instruktør forteller gutt jente lege kertoja mies nainen poika tyttö lapsi ääni
äiti isä mummo isoäiti isoisä ukki tytär vaimo veli sisar sisko ystävä lääkäri opettaja poliisi ohjaaja
kaikki kuningas kuningatar anlatıcı kadın erkek çocuk oğlan ses baba büyükanne büyükbaba dede nine oğul
karısı koca kardeş abla abi ağabey amca dayı teyze hala arkadaş komşu yönetmen avukat hemşire öğretmen
öğrenci herkes kral kraliçe hakim şoför garson αφηγητής αφηγήτρια άντρας άνδρας γυναίκα αγόρι κορίτσι
παιδί παιδιά φωνή μητέρα μαμά πατέρας μπαμπάς γιαγιά παππούς γιος κόρη σύζυγος αδελφός αδελφή αδερφός
αδερφή φίλος φίλη γείτονας γιατρός δάσκαλος δασκάλα αστυνομικός σκηνοθέτης όλοι βασιλιάς βασίλισσα
νοσοκόμα δικαστής ο η το οι narátor elbeszélő férfi nő fiú lány gyerek gyerekek hang anyu apa apu
nagymama nagyapa testvér barát orvos tanár rendező rendőr mindenki király királynő naratorul bărbat
femeie băiat fată copil copii mamă tată bunica bunicul fiu fiică soție soț frate soră prieten prietenă
medic profesor polițist regizor toți rege regină الراوي راوي رجل الرجل امرأة المرأة ولد الولد بنت البنت
طفل الطفل أطفال صوت المذيع مذيع المذيعة الجميع الجمهور أم الأم أمي ماما أب الأب أبي بابا جدة الجدة جدتي
جد الجد جدي ابن الابن ابنة الابنة زوجة الزوجة زوج الزوج أخ الأخ أخي أخت الأخت أختي عم خال عمة خالة صديق
الصديق صديقي صديقة الطبيب طبيب الطبيبة طبيبة المعلم معلم المعلمة المخرج مخرج الشرطي شرطي شرطة المحامي
الممرضة الجندي السائق القاضي الحارس راوی مرد زن پسر دختر بچه صدا مادر مامان پدر مادربزرگ پدربزرگ برادر
خواهر دوست پزشک پلیس کارگردان همه מספר קריין איש גבר אישה ילד ילדה נער נערה ילדים קול אמא אם אבא אב סבתא
סבא בת אישתו בעל אח אחות דודה חבר חברה שכן רופא רופאה מורה תלמיד שוטר שוטרת במאי במאית כולם עורך שופט
חייל נהג מלך האיש האישה הרופא कथावाचक आदमी पुरुष औरत महिला लड़का लड़की बच्चा बच्चे आवाज़ आवाज माँ मां माता पिता
पापा बाप दादी दादा नानी नाना बेटा बेटी पत्नी पति भाई बहन चाचा चाची मामा मामी दोस्त पड़ोसी चिकित्सक शिक्षक
अध्यापक पुलिस निर्देशक सब वकील नर्स राजा रानी ナレーター ナレーション 男 女 男性 女性 男の子 女の子 少年 少女
子供 子ども 子 赤ちゃん 声 司会 司会者 記者 アナウンサー 全員 一同 みんな 観客 群衆 母 母親 お母さん
母さん ママ 父 父親 お父さん 父さん パパ 祖母 おばあさん おばあちゃん 祖父 おじいさん おじいちゃん 息子
娘 妻 夫 兄 お兄さん お兄ちゃん 姉 お姉さん お姉ちゃん 弟 妹 叔父 おじさん 叔母 おばさん 友人 友達 隣人
医者 医師 看護師 看護婦 教師 先生 生徒 学生 警官 警察官 刑事 監督 弁護士 運転手 店員 客 兵士 裁判官 王
女王 王様 皆 俺 僕 私 通行人 旁白 解说 解說 叙述者 男人 女人 男孩 女孩 男生 女生 孩子 小孩 婴儿 声音
聲音 主持人 记者 所有人 众人 眾人 大家 观众 觀眾 母亲 妈妈 媽媽 妈 父亲 爸爸 爸 奶奶 外婆 姥姥 爷爷 爺爺
外公 儿子 兒子 女儿 女兒 妻子 丈夫 老婆 老公 哥哥 姐姐 弟弟 妹妹 叔叔 阿姨 舅舅 姑姑 朋友 邻居 鄰居 医生
醫生 护士 護士 老师 老師 學生 警察 导演 導演 律师 律師 司机 司機 服务员 士兵 法官 国王 國王 皇帝 老板
老闆 女士 小姐 太太 路人 남자 여자 남성 여성 소년 소녀 아이 아기 목소리 내레이터 내레이션 해설 사회자
기자 모두 다같이 관객 어머니 엄마 아버지 아빠 할머니 할아버지 아들 딸 아내 남편 형 누나 오빠 언니 남동생
여동생 동생 삼촌 이모 고모 친구 이웃 의사 간호사 선생님 선생 교사 학생 경찰 형사 감독 감독님 변호사 기사
군인 판사 왕 여왕 손님 ผู้บรรยาย ผู้ชาย ชาย ผู้หญิง หญิง เด็ก เด็กผู้ชาย เด็กผู้หญิง เสียง แม่ พ่อ ยาย ย่า ตา ปู่ ลูกชาย ลูกสาว
ภรรยา สามี พี่ชาย พี่สาว น้องชาย น้องสาว ลุง ป้า น้า อา เพื่อน หมอ แพทย์ พยาบาล ครู อาจารย์ นักเรียน ตำรวจ ผู้กำกับ ทนาย
ทหาร คนขับ ทุกคน narator pria wanita lelaki perempuan anak suara ayah kakek nenek kakak adik teman dokter
perawat guru murid polisi sutradara semua người mẹ cha ba ông bà em bác sĩ giáo viên cảnh sát đạo
diễn
"""
# What one hears, as labels tell it.
_SOUNDS = """
music song applause laughter laughs laughing cheering cheers sighs sigh gasps coughs sobs crying silence
noise bell knock sound sounds subtitle subtitles caption captions note warning part chapter episode
scene act credits musik lied applaus lachen gelächter lacht jubel seufzt seufzen hustet schluchzt weint
stille geräusch klopfen untertitel hinweis achtung teil kapitel folge szene musique chanson
applaudissements rires rire soupir soupire toux pleurs bruit sonnerie sous-titres attention partie
chapitre épisode scène música canción aplausos risas ríe suspiro suspira tos llanto silencio ruido
timbre subtítulos atención nota parte capítulo episodio escena musica canzone applausi risate ride
sospiro sospira tosse pianto silenzio rumore sottotitoli attenzione capitolo scena risos riso palmas
choro ruído legendas atenção cena muziek gelach zucht stilte geluid ondertiteling muzyka piosenka
oklaski śmiech westchnienie cisza hałas napisy uwaga rozdział odcinek музыка песня аплодисменты смех
вздох кашель плач тишина шум звонок стук субтитры внимание часть глава серия сцена музика сміх оплески
hudba smích potlesk ticho skratt applåder tystnad latter musikk musiikkia naurua müzik şarkı alkış gülme
kahkaha sessizlik gürültü altyazı dikkat bölüm sahne μουσική γέλια χειροκρότημα σιωπή υπότιτλοι zene
nevetés taps muzică râsete aplauze موسيقى أغنية تصفيق ضحك ضحكات صمت ضجيج ترجمة تنبيه موسیقی خنده تشویق
מוזיקה שיר מחיאות כפיים צחוק שקט כתוביות संगीत गाना गीत तालियाँ तालियां हँसी हंसी सन्नाटा 音楽 音樂 音乐 歌
歌曲 拍手 掌声 掌聲 笑 笑い 笑い声 笑声 笑聲 ため息 沈黙 叹气 哭声 哭 字幕 注意 注 備考 說明 说明 提示
第 話 音 音声 電話 铃声 음악 노래 박수 웃음 웃음소리 한숨 침묵 자막 주의 เพลง ดนตรี เสียงปรบมือ เสียงหัวเราะ
เงียบ คำบรรยาย tawa tepuk tangan nhạc tiếng cười vỗ tay phụ đề
"""
# Small words that begin a sentence, and stand before a colon; and what time it is.
_SMALL = """
the what who how what's क्या कौन 뭐 무엇 누구 何 誰 什么 什麼 谁 怎么 อะไร ใคร ما ماذا من מה מי ne кто
что как a and or of in on at to for with i you he she it we they i'm i've i'd i'll it's that's there's here's
let's we're you're they're he's she's who's then so but because example question answer remember look
listen wait yes no not here there now today tomorrow yesterday this that these those my your his her our
their just only very really monday tuesday wednesday thursday friday saturday sunday january february
march july september october november december god ok okay sorry fine good great happy sad sure ready
back home tired glad afraid lost everything nothing something time problem idea fact plan rule step
reason result ich du er sie es wir ihr und oder aber denn dann also hier dort jetzt heute morgen gestern
ja nein nicht frage antwort beispiel montag dienstag mittwoch donnerstag freitag samstag sonntag gott
müde fertig bereit froh zuhause gut je tu il elle nous vous ils elles et ou mais donc car alors ici là
maintenant aujourd'hui demain oui non réponse exemple lundi mardi mercredi jeudi vendredi samedi
dimanche dieu désolé prêt content yo tú él nosotros ellos y pero entonces porque aquí allí ahora hoy
mañana ayer sí pregunta respuesta ejemplo lunes martes miércoles jueves viernes sábado domingo dios
listo feliz io lui lei noi voi loro e ma allora perché qui ora oggi domani ieri domanda risposta esempio
dio pronto eu ele nós eles mas então aqui agora hoje amanhã ontem sim não pergunta resposta exemplo deus
ik jij hij zij wij maar dus want nu vandaag nee vraag antwoord я ты он она оно мы вы они и но а потом
тогда здесь там сейчас сегодня завтра вчера да нет вопрос ответ пример бог понедельник вторник среда
четверг пятница суббота воскресенье ty ona wy ale więc teraz dziś jutro tak nie pytanie odpowiedź bóg
sen biz siz ama sonra şimdi bugün yarın evet hayır soru cevap εγώ εσύ αυτός αυτή και αλλά τώρα σήμερα
ναι όχι ερώτηση απάντηση أنا أنت هو هي نحن هم و لكن ثم هنا هناك الآن اليوم غدا نعم لا سؤال جواب مثال
الله אני אתה את הוא היא אנחנו הם אבל אז כאן שם עכשיו היום מחר כן לא שאלה תשובה אלוהים मैं तुम आप वह हम वे और
लेकिन यहाँ वहाँ अब आज कल हाँ नहीं प्रश्न उत्तर 我 你 您 他 她 它 我们 你们 他们 这 那 这里 那里 现在 今天 明天
昨天 是 不 问题 回答 例如 但是 然后 因为 結論 结论 彼 彼女 今日 明日 昨日 はい いいえ 質問 答え 例 ここ
そこ あそこ これ それ あれ 나 저 너 우리 그 그녀 여기 거기 지금 오늘 내일 어제 네 아니요 질문 대답
"""
# Whoever is "I'm ..." of these says what, and not who, he is.
_PEOPLES = """
american british english irish scottish welsh french german italian spanish dutch swedish norwegian
danish finnish polish russian ukrainian turkish greek arab arabic jewish muslim christian catholic hindu
buddhist chinese japanese korean indian african asian european mexican canadian australian brazilian
republican democrat swiss austrian portuguese czech hungarian romanian persian iranian vietnamese thai
indonesian deutscher deutsche engländer franzose französin amerikaner amerikanerin italiener schweizer
österreicher türke russe christ moslem jude français française allemand allemande anglais anglaise
américain américaine italien italienne espagnol espagnole suisse belge chinois japonais alemán alemana
español española inglés inglesa francés francesa italiano italiana mexicano mexicana ruso rusa tedesco
tedesca inglese francese spagnolo americano americana brasileiro brasileira alemão português portuguesa
nederlander nederlandse duitser fransman engelsman belg polak polka niemiec rosjanin русский русская
немец немка француз англичанин американец украинец türk alman
"""
# And where somebody is, or comes from.
_PLACES = """
world america europe asia africa australia england britain scotland ireland wales germany france spain
italy portugal poland russia ukraine turkey greece india china japan korea canada mexico brazil
argentina egypt israel switzerland austria sweden norway denmark finland holland netherlands belgium
hungary romania london berlin rome roma moscow москва tokyo beijing delhi cairo york washington boston
chicago hollywood houston texas california deutschland frankreich europa welt münchen hamburg wien mundo
españa francia italia alemania brasil monde allemagne россия мир 中国 日本 美国 北京 上海 世界 東京
東京都 한국 서울 세계 العالم مصر ישראל עולם भारत दुनिया
"""
# Roles that are family names as well: behind a first name they are.
_SURNAMES = """
bauer koch könig richter graf mann kellner schüler sänger wächter bruder freitag jung king cook butler
farmer young bell monk cousin voisin neveu roi frère kok koning boer arts smit král sobrino guardia
pastor niño reina domingo monaco amico medici королева король guard singer judge chef good kuningas
kaplan polis
"""


def _table(text: str) -> frozenset[str]:
    return frozenset(fold(word) for word in text.split())


TITLES = _table(_TITLES)
_SOMEBODY = _table(_ROLES) | TITLES
_NOBODY = _table(_ROLES) | _table(_SOUNDS) | _table(_SMALL)
_DESCRIBING = _NOBODY | TITLES | _table(_PEOPLES) | _table(_PLACES)
_FAMILIES = _table(_SURNAMES)
_POINTING = tuple("你您我他她它这那這誰谁")  # 我叫你来 is no name
_GROWN = tuple(  # in scripts without blanks a role is part of a longer word: 中年男性, 老太太
    sorted({word for word in _ROLES.split() if len(word) > 1 and not word[0].isascii()
            and "\u3000" <= word[0] <= "\uffff"})
)  # fmt: skip


def is_title(word: str) -> bool:
    """Whether a word is a title, in any of the languages.

    >>> [is_title(word) for word in ("Dr.", "Señora", "господин", "Anna")]
    [True, True, True, False]
    """
    return fold(word) in TITLES


def without_suffix(word: str) -> str:
    """A name without the title that grows onto it.

    >>> without_suffix("田中さん"), without_suffix("김민수씨"), without_suffix("Anna")
    ('田中', '김민수', 'Anna')
    """
    longest = max((each for each in SUFFIXES if word.endswith(each)), key=len, default="")
    return word[: len(word) - len(longest)] if len(word) > len(longest) else word


def is_role(word: str) -> bool:
    """Whether a word stands for somebody without naming him, is a sound, or a small word.

    >>> [is_role(word) for word in ("MOM", "L'HOMME", "Arzt", "監督", "中年男性", "Anna")]
    [True, True, True, True, True, False]
    """
    parts = word.replace("’", "'").split("'")
    if fold(word) in _NOBODY or (len(parts) == 2 and fold(parts[1]) in _NOBODY):
        return True
    return word.endswith(_GROWN) or word.startswith(_POINTING)


def of_people(word: str) -> bool:
    """Whether a word says what somebody is to others: sister, friend, doctor.

    >>> of_people("sister"), of_people("Freundin"), of_people("here"), of_people("dog")
    (True, True, False, False)
    """
    return fold(word) in _SOMEBODY


def name_nobody(words: list[str]) -> bool:
    """Whether one of the words is a role, and not the family name of somebody.

    >>> name_nobody(["OLD", "MAN"]), name_nobody(["Anna", "Koch"]), name_nobody(["KOCH"])
    (True, False, True)
    """
    if len(words) > 1 and fold(words[-1]) in _FAMILIES:
        words = words[:-1]
    return any(map(is_role, words))


def describes(text: str) -> bool:
    """Whether words say what somebody is, not who.

    >>> [describes(text) for text in ("German", "Doctor", "John")]
    [True, True, False]
    """
    return all(fold(word) in _DESCRIBING or is_role(word) for word in text.split())

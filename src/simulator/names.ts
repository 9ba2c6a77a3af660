/** Names as real directories hold them: accents, apostrophes, blanks, several scripts. `name=romanised` where letters differ. */
export interface Nation {
  readonly locale: string;
  readonly given: readonly string[];
  readonly family: readonly string[];
  /** Whether the display name begins with the family name. */
  readonly familyFirst?: boolean;
}

const words = (text: string): readonly string[] => text.split(', ');

export const nations: readonly Nation[] = [
  {
    locale: 'en-US',
    given: words("Alice, Ben, Grace, Noah, D'Andre, Mary-Ann, Theo, Ruth, Owen, Priscilla"),
    family: words("Carter, O'Connor, Smith, Nguyen, McDonald, van der Berg, Jones, Lee, Washington, Price"),
  },
  {
    locale: 'es-ES',
    given: words('María José, Íñigo, Lucía, Álvaro, Begoña, Jesús, Inés, Raúl'),
    family: words('Núñez, García Lorca, Peña, Ibáñez, Muñoz, de la Cruz, Zúñiga, Domínguez'),
  },
  {
    locale: 'fr-FR',
    given: words('Zoë, François, Maëlys, Gérard, Anaïs, Loïc, Hélène, Noël'),
    family: words("Lefèvre, d'Arc, Garçon, Benoît, Le Gall, Béranger, Hugo, Müller"),
  },
  {
    locale: 'de-DE',
    given: words('Jürgen, Änne, Sören, Käthe, Björn, Heike, Götz, Lena'),
    family: words('Groß, von Ägidi, Schröder, Weiß, Jäger, Böhm, Köhler, Vogel'),
  },
  {
    locale: 'pl-PL',
    given: words('Łukasz, Agnieszka, Wojciech, Małgorzata, Stanisław, Żaneta, Paweł, Zofia'),
    family: words('Wałęsa, Śliwińska, Żak, Dąbrowski, Kołodziej, Błaszczyk, Gęś, Nowak'),
  },
  {
    locale: 'da-DK',
    given: words('Søren, Åse, Jørgen, Ærø, Bjørg, Knud, Øyvind, Signe'),
    family: words('Kierkegård, Ærøskøbing, Ødegaard, Sørensen, Ångström, Holm, Nygård, Juhl'),
  },
  {
    locale: 'vi-VN',
    given: words('Thị Hồng, Đức, Minh Anh, Quỳnh, Tuấn, Ngọc, Thảo, Phước'),
    family: words('Nguyễn, Trần, Lê, Phạm, Đặng, Võ, Bùi, Đỗ'),
    familyFirst: true,
  },
  {
    locale: 'zh-CN',
    given: words('伟=Wei, 芳=Fang, 秀英=Xiuying, 雷=Lei, 娜=Na, 静=Jing, 磊=Lei, 洋=Yang'),
    family: words('王=Wang, 李=Li, 张=Zhang, 刘=Liu, 陈=Chen, 杨=Yang, 黄=Huang, 赵=Zhao'),
    familyFirst: true,
  },
  {
    locale: 'ja-JP',
    given: words('翔太=Shota, 陽菜=Hina, 健=Ken, 美咲=Misaki, 大輔=Daisuke, 結衣=Yui, 蓮=Ren, 葵=Aoi'),
    family: words(
      '佐藤=Sato, 鈴木=Suzuki, 高橋=Takahashi, 田中=Tanaka, 渡辺=Watanabe, 伊藤=Ito, 山本=Yamamoto, 小林=Kobayashi',
    ),
    familyFirst: true,
  },
  {
    locale: 'uk-UA',
    given: words(
      'Олена=Olena, Тарас=Taras, Оксана=Oksana, Дмитро=Dmytro, Ірина=Iryna, Юрій=Yurii, Леся=Lesia, Андрій=Andrii',
    ),
    family: words(
      "Шевченко=Shevchenko, Мельник=Melnyk, Коваль=Koval, Бондаренко=Bondarenko, Лук'яненко=Lukianenko, Гнатюк=Hnatiuk",
    ),
  },
  {
    locale: 'ar-EG',
    given: words('محمد=Mohamed, فاطمة=Fatima, أحمد=Ahmed, ليلى=Layla, عمر=Omar, نور=Nour, سلمى=Salma, يوسف=Youssef'),
    family: words('حسن=Hassan, إبراهيم=Ibrahim, السيد=El-Sayed, منصور=Mansour, عبد الله=Abdallah, فاروق=Farouk'),
  },
  {
    locale: 'hi-IN',
    given: words('Priya, Arjun, Ananya, Rohan, Kavya, Vikram, Meera, Sanjay'),
    family: words('Sharma, Iyer, Patel, Krishnamurthy, Singh, Banerjee, Rao, Das Gupta'),
  },
];

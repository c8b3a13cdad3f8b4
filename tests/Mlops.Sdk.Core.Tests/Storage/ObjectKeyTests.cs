namespace Mlops.Sdk.Core.Tests.Storage;

/// <summary>Names from outside: whatever they are, they name one object below the root or nothing.</summary>
public sealed class ObjectKeyTests
{
    private static readonly string[] Hostile =
    [
        "", "/", "//", "a//b", "/a", "a/", "..", "../a", "a/..", "a/../b", "a/./b", ".", "./a", "...", "a/...", ".hidden", "a/.tmp/b", "a.", "a./b", "A", "a/B", "ä", "a b", " a", "a\t",
        "a\0b", "a\nb", "a\\b", "..\\b", "\\\\server\\share", "c:", "c:/a", "file:a", "%2e%2e/a", "%252e", "a%2fb", "a?b", "a#b", "a*b", "a:b", "a|b", "a<b", "~", "~/a", "con", "con.txt", "a/nul", "lpt1", "com9.log",
        "aux.json", "\u202etxt", "a\ufeff", "\ud800", "ﬁ", "ſ", "K",
    ];

    private static readonly Gen<string> AnyText = Gen.OneOf(
        Gen.String,
        Gen.String[Gen.Char["abz019-_./\\%:~ A\0\n\u2024\uff0e"], 0, 40],
        Gen.String[Gen.Char["a./"], 0, 12]);

    private static readonly Gen<string> Segment =
        Gen.String[Gen.Char["abcxyz0189-_"], 1, 20].Where(s => s is not ("con" or "prn" or "aux" or "nul") && !s.StartsWith("com", StringComparison.Ordinal) && !s.StartsWith("lpt", StringComparison.Ordinal));

    public static TheoryData<string> HostileTexts => [.. Hostile];

    [Theory]
    [MemberData(nameof(HostileTexts))]
    public void A_hostile_name_is_no_key(string text)
    {
        Assert.Equal("store.invalid_key", Assert.Throws<MlopsStorageException>(() => ObjectKey.Parse(text)).Code);
        Assert.False(ObjectKey.TryParse(text, out ObjectKey none));
        Assert.Equal(default, none);
    }

    [Fact]
    public void Whatever_text_becomes_a_key_names_a_plain_place_below_the_root() => AnyText.Sample(text =>
    {
        if (!ObjectKey.TryParse(text, out ObjectKey key))
        {
            Assert.Equal("store.invalid_key", Assert.Throws<MlopsStorageException>(() => ObjectKey.Parse(text)).Code);
            return;
        }

        string root = Path.Combine(Path.GetTempPath(), "root");
        string full = Path.GetFullPath(Path.Combine(root, key.Value));
        Assert.Equal(Path.Combine(root, key.Value), full);
        Assert.StartsWith(root + Path.DirectorySeparatorChar, full, StringComparison.Ordinal);
        Assert.Equal(text, key.Value);
        Assert.Equal(key.Value, key.Value.ToLowerInvariant());
        Assert.Equal(key, ObjectKey.Parse(Uri.UnescapeDataString(key.Value)));
    });

    [Fact]
    public void Segments_of_allowed_characters_make_a_key_and_their_starts_make_prefixes() => Gen.Select(Segment, Segment, Segment).Sample((a, b, c) =>
    {
        string text = $"{a}/{b}.{c}";
        ObjectKey key = ObjectKey.Parse(text);
        Assert.Equal(text, key.ToString());
        for (int i = 0; i <= text.Length; i++)
        {
            Assert.Equal(text[..i], ObjectKey.CheckPrefix(text[..i]));
        }
    });

    [Fact]
    public void Lengths_are_bounded()
    {
        string segment = new('a', 127);
        Assert.Equal(511, ObjectKey.Parse(string.Join('/', segment, segment, segment, segment)).Value.Length);
        Assert.Equal(512, ObjectKey.Parse(string.Join('/', segment, segment, segment, segment + "a")).Value.Length);
        Assert.Throws<MlopsStorageException>(() => ObjectKey.Parse(string.Join('/', segment, segment, segment, segment, "a")));
        Assert.Throws<MlopsStorageException>(() => ObjectKey.Parse(segment + "aa"));
    }

    [Fact]
    public void The_message_shows_a_hostile_name_without_its_control_characters()
    {
        MlopsStorageException error = Assert.Throws<MlopsStorageException>(() => ObjectKey.Parse("a\u001b[31m\r\n" + new string('x', 1_000)));
        Assert.DoesNotContain(error.Message, char.IsControl);
        Assert.True(error.Message.Length < 300);
    }

    [Fact]
    public void The_default_key_names_nothing()
    {
        Assert.Throws<InvalidOperationException>(() => default(ObjectKey).Value);
        Assert.Equal(string.Empty, default(ObjectKey).ToString());
    }
}

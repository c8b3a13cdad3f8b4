using Mlops.Sdk.Serving;

namespace Mlops.Sdk.Compilation.Tests;

public sealed class TextLookupTests
{
    private static readonly Gen<string> Text = Gen.String[Gen.Char["aAbB İ\u212A"], 0, 12];

    [Fact]
    public void Finds_what_a_dictionary_finds() => Gen.Select(Text.Array[0, 300], Text.Array[0, 50]).Sample((categories, others) =>
    {
        var expected = new Dictionary<string, int>(StringComparer.Ordinal);
        for (int i = 0; i < categories.Length; i++)
        {
            if (categories[i].Length > 0)
            {
                expected.TryAdd(categories[i], i);
            }
        }

        var lookup = new TextLookup(categories);
        return categories.Concat(others).All(t => lookup.Find(new string(t.AsSpan())) == expected.GetValueOrDefault(t, categories.Length));
    }, iter: 200);

    [Fact]
    public void Texts_that_share_length_and_characters_at_all_places_it_looks_at_are_told_apart()
    {
        string[] alike = [.. Enumerable.Range(0, 26).Select(i => $"ab{(char)('a' + i)}bbbbbbb")];
        var lookup = new TextLookup(alike);
        Assert.Equal(Enumerable.Range(0, 26), alike.Select(t => lookup.Find(t)));
    }

    [Fact]
    public void Missing_empty_and_unknown_texts_are_one()
    {
        var lookup = new TextLookup(["a", "", "b"]);
        Assert.Equal([3, 3, 3, 0, 2], new[] { null, "", "c", "a", "b" }.Select(lookup.Find));
    }
}

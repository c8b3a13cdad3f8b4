namespace Mlops.Sdk.Monitoring.Tests;

public sealed class CategoryCodesTests
{
    [Fact]
    public void Every_category_is_found_and_nothing_else() => Gen.Select(Gen.String[0, 20].Array[0, 200], Gen.String[0, 20].Array[20]).Sample((some, others) =>
    {
        string[] categories = [.. some.Distinct()];
        var codes = new CategoryCodes(categories);
        return categories.Index().All(c => codes.CodeOf(new string(c.Item)) == c.Index)
            && others.All(o => codes.CodeOf(o) == (Array.IndexOf(categories, o) is >= 0 and var at ? at : categories.Length));
    });

    [Fact]
    public void Categories_that_look_alike_where_it_looks_are_found_too()
    {
        // the same length, first, middle and last four characters
        string[] alike = [.. Enumerable.Range(0, 1000).Select(i => $"same-{i:0000}-same-middle-{i:0000}-same")];
        var codes = new CategoryCodes(alike);
        Assert.True(codes.HashesAll);
        Assert.Equal(Enumerable.Range(0, 1000), alike.Select(codes.CodeOf));
        Assert.Equal(1000, codes.CodeOf("same-1000-same-middle-1000-same"));
    }

    [Theory]
    [InlineData("city-")]
    [InlineData("AIRPORT NUMBER ")]
    [InlineData("")]
    public void Usual_names_need_no_more_than_a_look(string prefix) =>
        Assert.False(new CategoryCodes([.. Enumerable.Range(0, 1000).Select(i => prefix + i)]).HashesAll);

    [Fact]
    public void A_category_twice_is_refused() => Assert.Throws<ArgumentException>(() => new CategoryCodes(["a", "b", "a"]));
}

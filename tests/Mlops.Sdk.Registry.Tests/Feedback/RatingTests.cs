using System.Text.Json;
using Mlops.Sdk.Registry.Tests.Catalog;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests.FeedbackOfPeople;

public sealed class RatingTests
{
    private readonly TestStore _store = new();

    [Fact]
    public async Task The_last_rating_of_a_person_counts_whatever_program_it_came_from()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync("fraud");
        ModelDiscovery discovery = AccessRequestTests.Discover(workspace);
        await RateAsync("ann", 1, "no use");
        await RateAsync("bob", 5, "saves hours");
        RatingSummary summary = await RateAsync("ANN ", 4, "better now");
        Assert.Equal((4.5, 2), (summary.Mean, summary.Count));
        workspace.Actors.Current = new Actor("portal", ActorKind.Service, OnBehalfOf: "bob");
        Assert.Equal((3, 2), ((await discovery.RateAsync("fraud", 2, "through the portal")).Mean, summary.Count));
        ModelRatings ratings = await discovery.RatingsAsync("fraud");
        Assert.Equal([(2, "through the portal"), (4, "better now")], ratings.Ratings.Select(r => (r.Stars, r.Reason)));
        Assert.Equal([0, 1, 0, 1, 0], ratings.Stars);
        Assert.Equal(4, (await workspace.EntriesAsync()).Count(e => e.Kind == LedgerKinds.ModelRated));
        await discovery.RateAsync("fraud", 2, "through the portal");
        Assert.Equal(4, (await workspace.EntriesAsync()).Count(e => e.Kind == LedgerKinds.ModelRated));

        ValueTask<RatingSummary> RateAsync(string who, int stars, string reason)
        {
            workspace.Actors.Current = new Actor(who);
            return discovery.RateAsync("fraud", stars, reason);
        }
    }

    [Fact]
    public async Task Many_good_ratings_stand_before_a_single_best_one_and_none_before_bad_ones()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        foreach (string model in (string[])["a-bad", "b-none", "c-single", "d-many"])
        {
            await workspace.RegisterAsync(model);
        }

        ModelDiscovery discovery = AccessRequestTests.Discover(workspace);
        for (int i = 0; i < 10; i++)
        {
            workspace.Actors.Current = new Actor($"p{i}");
            await discovery.RateAsync("a-bad", 1, "fails");
            await discovery.RateAsync("d-many", i < 3 ? 4 : 5, "works");
        }

        await discovery.RateAsync("c-single", 5, "wow");
        CatalogPage page = await discovery.Catalog.SearchAsync(new CatalogQuery { Order = CatalogOrder.Rating });
        Assert.Equal(["d-many", "c-single", "b-none", "a-bad"], page.Hits.Select(h => h.Model));
        Assert.Equal(["d-many", "c-single", "b-none", "a-bad"], (await discovery.Catalog.SearchAsync("*")).Hits.Select(h => h.Model));
        Assert.Equal(["c-single", "d-many"], (await discovery.Catalog.SearchAsync("rating>=4")).Hits.Select(h => h.Model).Order(StringComparer.Ordinal));
        Assert.Equal(["d-many"], (await discovery.Catalog.SearchAsync("rating>=4 ratings>=5")).Hits.Select(h => h.Model));
        Assert.Equal([("1", 1), ("4", 1), ("5", 1)], page.Facets["rating"].Select(f => (f.Value, f.Count)));
        Assert.Null(page.Hits[2].Rating);
        Assert.Equal(4.7, page.Hits[0].Rating!.Mean, 12);
        Assert.Equal([3.64, 2.41, 2.05, 1.15], page.Hits.Select(h => Math.Round(h.Rating?.LowerBound ?? RatingSummary.Unrated, 2))); // as the page of the catalog says
    }

    [Fact]
    public async Task A_card_tells_how_a_model_is_rated_and_who_waits()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync("fraud");
        ModelDiscovery discovery = AccessRequestTests.Discover(workspace);
        Assert.Contains("| Rating | nobody yet |", (await discovery.Cards.CardAsync("fraud", 1)).ToMarkdown(), StringComparison.Ordinal);
        await discovery.RateAsync("fraud", 5, "works");
        await discovery.RequestAccessAsync("fraud", "for the claims desk");
        ModelCard card = await discovery.Cards.CardAsync("fraud", 1);
        Assert.Contains("| Rating | 5 of 5 stars by 1 person (lower bound 2.41) |", card.ToMarkdown(), StringComparison.Ordinal);
        Assert.Contains("| Access requests | 1, 1 without an answer |", card.ToMarkdown(), StringComparison.Ordinal);
        JsonElement json = JsonDocument.Parse(card.ToJson()).RootElement;
        Assert.Equal(1, json.GetProperty("rating").GetProperty("count").GetInt32());
        Assert.Equal(1, json.GetProperty("openAccessRequests").GetInt32());
        Assert.DoesNotContain(card.Changes, c => c.Kind == LedgerKinds.ModelRated); // a hundred ratings must not push out an alias move
    }

    [Fact]
    public async Task What_is_no_rating_is_refused_and_writes_nothing()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync("fraud");
        ModelDiscovery discovery = AccessRequestTests.Discover(workspace);
        foreach (int stars in (int[])[0, 6, -1, int.MinValue, int.MaxValue])
        {
            Assert.Equal("catalog.invalid_rating", (await Assert.ThrowsAsync<MlopsDataException>(async () => await discovery.RateAsync("fraud", stars, "why"))).Code);
        }

        Assert.Equal("ledger.reason_required", (await Assert.ThrowsAsync<MlopsException>(async () => await discovery.RateAsync("fraud", 3, " \n"))).Code);
        Assert.Equal("registry.version_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await discovery.RateAsync("none", 3, "why"))).Code);
        Assert.Equal("registry.version_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await discovery.RatingsAsync("none"))).Code);
        Assert.Equal("registry.invalid_name", (await Assert.ThrowsAsync<MlopsDataException>(async () => await discovery.RateAsync("../x", 3, "why"))).Code);
        Assert.Single(await workspace.EntriesAsync());
        Assert.Null((await discovery.RatingsAsync("fraud")).Summary);
        await workspace.AppendAsync(LedgerKinds.ModelRated, new RatingNote("fraud", 3), CatalogSearchTests.Model("fraud"), format: 2);
        Assert.Equal("registry.newer_format", (await Assert.ThrowsAsync<MlopsIntegrityException>(async () => await discovery.RatingsAsync("fraud"))).Code);
    }

    [Fact]
    public void The_lower_bound_is_that_of_the_posterior_in_scipy()
    {
        // Golden/ratings.py made the answers
        using Stream golden = typeof(RatingTests).Assembly.GetManifestResourceStream("Feedback.ratings.json")!;
        using JsonDocument cases = JsonDocument.Parse(golden);
        Assert.NotEmpty(cases.RootElement.EnumerateArray());
        foreach (JsonElement known in cases.RootElement.EnumerateArray())
        {
            RatingSummary? summary = RatingSummary.Of([.. known.GetProperty("stars").EnumerateArray().Select(s => s.GetInt32())]);
            Assert.Equal(known.GetProperty("bound").GetDouble(), summary?.LowerBound ?? RatingSummary.Unrated, 1e-9);
            Assert.Equal(known.GetProperty("mean").ValueKind == JsonValueKind.Null ? null : known.GetProperty("mean").GetDouble(), summary?.Mean);
        }
    }

    [Fact]
    public void A_bound_stays_between_one_and_five_stars_and_never_flatters() => Gen.Int[0, 100_000_000].Array[5].Where(s => s.Any(n => n > 0)).Sample(stars =>
    {
        RatingSummary summary = RatingSummary.Of(stars)!;
        return summary.LowerBound is > 1 and < 5 && summary.LowerBound < Math.Max(summary.Mean, 3) && summary.Count == stars.Sum();
    });
}

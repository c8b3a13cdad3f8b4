using System.Text.Json;
using Mlops.Sdk.Testing;

namespace Mlops.Sdk.Registry.Tests.Catalog;

/// <summary>The view against plain ways to say the same.</summary>
public sealed class CatalogStateTests
{
    private static readonly long Now = RandomLedger.Start.AddDays(40).UtcTicks;

    private static readonly Gen<CatalogFilter> Terms = Gen.OneOf(
        RandomLedger.OneOf("fraud", "taxis", "eu", "argEr", "pay", "f", "lightgbm", "brucken", "nothing", "fraud-eu").Select(CatalogFilter.Words),
        RandomLedger.OneOf("fares of taxis", "of taxis in", "taxis of").Select(CatalogFilter.Phrase),
        RandomLedger.OneOf("fraud*", "TAXI.FARE", "?*-eu").Select(p => CatalogFilter.Model(p)),
        RandomLedger.OneOf("champion", "*", "c*r").Select(CatalogFilter.Alias),
        RandomLedger.OneOf("ann", "B*").Select(p => CatalogFilter.Owner(p)),
        RandomLedger.OneOf("archived", "approved", "validated").Select(CatalogFilter.Stage),
        RandomLedger.OneOf("deleted", "rejected", "validated").Select(CatalogFilter.State),
        RandomLedger.OneOf("eu", "a b", "*").Select(CatalogFilter.Tag),
        RandomLedger.OneOf("eu only", "*taxi*").Select(v => CatalogFilter.Tag("region", v)),
        Gen.Enum<CatalogDrift>().Select(CatalogFilter.Drift),
        Gen.Enum<ModelTask>().Select(CatalogFilter.Task),
        Gen.Select(Gen.Enum<CatalogComparison>(), Gen.Int[0, 5]).Select((c, n) => CatalogFilter.Metric("auc", c, n / 5.0)),
        Gen.Select(Gen.Enum<CatalogComparison>(), Gen.Int[1, 3]).Select(CatalogFilter.Version),
        Gen.Select(Gen.Enum<CatalogComparison>(), Gen.Int[2, 10]).Select((c, n) => CatalogFilter.Rating(c, n / 2.0)),
        Gen.Select(Gen.Enum<CatalogComparison>(), Gen.Int[0, 2]).Select(CatalogFilter.Ratings),
        Gen.Select(Gen.Enum<CatalogComparison>(), Gen.Int[0, 2]).Select(CatalogFilter.Requests),
        Gen.Bool.Select(CatalogFilter.Live),
        Gen.Bool.Select(CatalogFilter.Deprecated),
        Gen.Bool.Select(CatalogFilter.Approved),
        Gen.Int[0, 50].Select(h => CatalogFilter.Created(CatalogComparison.Greater, RandomLedger.Start.AddHours(h))),
        Gen.Int[0, 1_000].Select(h => CatalogFilter.Age(CatalogComparison.Less, TimeSpan.FromHours(h))));

    [Fact]
    public void Saving_loading_and_going_on_equals_folding_all_to_the_last_byte() => RandomLedger.Entries().Sample(
        entries => SnapshotConformance.Check(() => new CatalogState(), entries),
        iter: 40);

    [Fact]
    public void A_search_finds_what_looking_at_each_version_finds() => Gen.Select(RandomLedger.Entries(), CatalogFilterTests.Filters(Terms)).Sample(
        (entries, filter) =>
        {
            CatalogState state = Folded(entries);
            CatalogPage page = CatalogSearch.Search(state, new CatalogIndex(state), new CatalogQuery { Filter = filter, Unit = CatalogUnit.Version, Take = 1_000 }, Now);
            bool wantsDeleted = WantsDeleted(filter);
            string[] slow = [.. state.Versions.Where(v => (wantsDeleted || !v.Deleted) && Passes(v, filter)).Select(v => $"{v.Model.Name}/{v.Number}").Order(StringComparer.Ordinal)];
            Assert.Equal(slow, page.Hits.Select(h => $"{h.Model}/{h.Version}").Order(StringComparer.Ordinal));
            Assert.Equal(slow.Length, page.Total);
        },
        iter: 2_000);

    [Fact]
    public void An_index_that_followed_the_changes_answers_like_a_new_one() => Gen.Select(RandomLedger.Entries(), CatalogFilterTests.Filters(Terms).Array[1, 4], Gen.Enum<CatalogUnit>()).Sample(
        (entries, filters, unit) =>
        {
            CatalogState followed = new();
            CatalogIndex index = new(followed);
            int i = 0;
            foreach (LedgerEntry entry in entries)
            {
                followed.Apply(entry);
                if (++i % 7 == 0)
                {
                    CatalogSearch.Search(followed, index, new CatalogQuery { Filter = filters[0] }, Now);
                }
            }

            CatalogState loaded = new();
            loaded.LoadSnapshot(RandomLedger.Save(followed));
            CatalogIndex fresh = new(loaded);
            foreach (CatalogFilter filter in filters)
            {
                CatalogQuery query = new() { Filter = filter, Unit = unit, Take = 1_000, FacetValues = 1_000 };
                Assert.Equal(Text(CatalogSearch.Search(loaded, fresh, query, Now)), Text(CatalogSearch.Search(followed, index, query, Now)));
            }
        },
        iter: 500);

    [Fact]
    public void Pages_put_together_are_the_whole_answer_in_order() => Gen.Select(RandomLedger.Entries(), Gen.Enum<CatalogUnit>(), Gen.Enum<CatalogOrder>(), Gen.Int[1, 5]).Sample(
        (entries, unit, order, take) =>
        {
            CatalogState state = Folded(entries);
            CatalogIndex index = new(state);
            CatalogQuery query = new() { Unit = unit, Order = order, OrderMetric = "auc", Take = 1_000, FacetValues = 0 };
            CatalogPage whole = CatalogSearch.Search(state, index, query, Now);
            List<CatalogHit> pages = [];
            for (int skip = 0; skip < whole.Total; skip += take)
            {
                pages.AddRange(CatalogSearch.Search(state, index, query with { Skip = skip, Take = take }, Now).Hits);
            }

            Assert.Equal(whole.Hits.Select(h => (h.Model, h.Version)), pages.Select(h => (h.Model, h.Version)));
            Assert.Equal(whole.Total, whole.Hits.Count);
            if (order == CatalogOrder.Rating)
            {
                Assert.Equal(whole.Hits.Select(h => h.Rating?.LowerBound ?? RatingSummary.Unrated).OrderDescending(), whole.Hits.Select(h => h.Rating?.LowerBound ?? RatingSummary.Unrated));
            }

            if (order == CatalogOrder.MetricLowestFirst)
            {
                Assert.Equal(whole.Hits.Select(h => h.Metrics["auc"].Value).Order(), whole.Hits.Select(h => h.Metrics["auc"].Value));
            }
        },
        iter: 300);

    [Fact]
    public void Facets_count_what_was_found() => Gen.Select(RandomLedger.Entries(), CatalogFilterTests.Filters(Terms), Gen.Enum<CatalogUnit>()).Sample(
        (entries, filter, unit) =>
        {
            CatalogState state = Folded(entries);
            CatalogPage page = CatalogSearch.Search(state, new CatalogIndex(state), new CatalogQuery { Filter = filter, Unit = unit, Take = 1_000, FacetValues = 1_000 }, Now);
            CatalogPage versions = CatalogSearch.Search(state, new CatalogIndex(state), new CatalogQuery { Filter = filter, Unit = CatalogUnit.Version, Take = 1_000, FacetValues = 0 }, Now);
            Assert.Equal(page.Versions, versions.Total);
            int Count(Func<CatalogHit, string?> value, string wanted) => unit == CatalogUnit.Version
                ? versions.Hits.Count(h => value(h) == wanted)
                : versions.Hits.Where(h => value(h) == wanted).DistinctBy(h => h.Model).Count();
            foreach ((string facet, Func<CatalogHit, string?> value) in ((string, Func<CatalogHit, string?>)[])[("stage", h => h.Stage), ("owner", h => h.Owner), ("algorithm", h => h.Algorithm), ("drift", h => h.Drift.ToString().ToLowerInvariant()), ("approval", h => h.ApprovedBy.Count > 0 ? "approved" : "unapproved"), ("signature", h => h.Signed ? "signed" : "unsigned"), ("rating", h => h.Rating is { } r ? $"{Math.Floor(r.Mean)}" : null)])
            {
                foreach (CatalogFacetValue counted in page.Facets.GetValueOrDefault(facet, []))
                {
                    Assert.Equal(Count(value, counted.Value), counted.Count);
                }
            }

            Assert.Equal(page.Total == 0 ? 0 : 1, page.Facets.TryGetValue("age", out IReadOnlyList<CatalogFacetValue>? ages) ? 1 : 0);
            Assert.True(unit == CatalogUnit.Model || (ages?.Sum(a => a.Count) ?? 0) == page.Total);
        },
        iter: 500);

    [Fact]
    public void An_entry_that_breaks_the_rules_changes_nothing()
    {
        CatalogState state = new();
        LedgerResource model = new("model", "m");
        state.Apply(RandomLedger.Of(0, LedgerKinds.VersionRegistered, model, new VersionNote("m", 1, RandomLedger.DigestOf(1), VersionStatus.Validated, [])));
        byte[] before = RandomLedger.Save(state);
        LedgerEntry[] bad =
        [
            RandomLedger.Of(1, LedgerKinds.VersionRegistered, model, new VersionNote("m", 3, RandomLedger.DigestOf(1), VersionStatus.Validated, [])),
            RandomLedger.Of(1, LedgerKinds.VersionRegistered, model, new VersionNote("other", 2, RandomLedger.DigestOf(1), VersionStatus.Validated, [])),
            RandomLedger.Of(1, LedgerKinds.VersionRegistered, model, new VersionNote("m", 2, default, VersionStatus.Validated, [])),
            RandomLedger.Of(1, LedgerKinds.VersionRegistered, model, new VersionNote("m", 2, RandomLedger.DigestOf(1), VersionStatus.Validated, []), outcome: LedgerOutcome.Denied),
            RandomLedger.Of(1, LedgerKinds.AliasMoved, model, new AliasNote("m", "champion", null, 2, default)),
            RandomLedger.Of(1, LedgerKinds.AliasMoved, model, new AliasNote("m", "Champion!", null, 1, default)),
            RandomLedger.Of(1, LedgerKinds.TagSet, model, new TagNote("m", 2, "k", "v")),
            RandomLedger.Of(1, LedgerKinds.CardEdited, model, new CardNote("m", 9, "limitations", "x")),
            RandomLedger.Of(1, LedgerKinds.ApprovalGiven, model, new ApprovalNote("m", 1, RandomLedger.DigestOf(2)), by: "bob"),
            RandomLedger.Of(1, LedgerKinds.ApprovalGiven, model, new ApprovalNote("m", 1, RandomLedger.DigestOf(1)), by: "ANN"),
            RandomLedger.Of(1, LedgerKinds.ModelRated, model, new RatingNote("m", 0)),
            RandomLedger.Of(1, LedgerKinds.ModelRated, model, new RatingNote("m", 6)),
            RandomLedger.Of(1, LedgerKinds.ModelRated, model, new RatingNote("other", 3)),
            RandomLedger.Of(1, LedgerKinds.ModelRated, model, new RatingNote("m", 3), by: " "),
            RandomLedger.Of(1, LedgerKinds.ModelRated, new LedgerResource("model", "none"), new RatingNote("none", 3)),
            RandomLedger.Of(1, LedgerKinds.AccessRequested, new LedgerResource("model", "none"), new AccessRequestNote("none")),
            RandomLedger.Of(1, LedgerKinds.AccessRequested, model, new AccessRequestNote("m"), outcome: LedgerOutcome.Denied),
            RandomLedger.Of(1, LedgerKinds.AccessAnswered, model, new AccessAnswerNote("m", "e7", true)),
            RandomLedger.Raw(1, LedgerKinds.AliasMoved, model, JsonDocument.Parse("""{"model":5}""").RootElement),
            RandomLedger.Raw(1, LedgerKinds.AlertRaised, model, JsonDocument.Parse("""[1]""").RootElement),
            RandomLedger.Raw(1, "model.signed", model, JsonDocument.Parse("""{"version":"1"}""").RootElement),
            RandomLedger.Of(1, LedgerKinds.AliasMoved, new LedgerResource("model", "../m"), new AliasNote("../m", "champion", null, 1, default)),
        ];
        foreach (LedgerEntry entry in bad)
        {
            state.Apply(entry);
            Assert.Equal(before, RandomLedger.Save(state));
        }
    }

    private static CatalogState Folded(IEnumerable<LedgerEntry> entries)
    {
        CatalogState state = new();
        foreach (LedgerEntry entry in entries)
        {
            state.Apply(entry);
        }

        return state;
    }

    private static string Text(CatalogPage page) => string.Join('\n', page.Hits.Select(h => $"{h.Model}/{h.Version} {BitConverter.DoubleToInt64Bits(h.Score)} {string.Join(',', h.Matching)} {h.Stage} {h.Use}"))
        + $"\n{page.Total}/{page.Versions}\n" + string.Join('\n', page.Facets.Select(f => $"{f.Key}: {string.Join(", ", f.Value.Select(v => $"{v.Value} {v.Count}"))}"));

    private static bool WantsDeleted(CatalogFilter filter) => filter switch
    {
        MatchFilter { Field: MatchField.State, Pattern: "deleted" } => true,
        NotFilter not => WantsDeleted(not.Inner),
        AndFilter and => and.Items.Any(WantsDeleted),
        OrFilter or => or.Items.Any(WantsDeleted),
        _ => false,
    };

    /// <summary>The meaning of a filter, said without an index.</summary>
    private static bool Passes(VersionFacts v, CatalogFilter filter)
    {
        ModelFacts m = v.Model;
        string[] parts =
        [
            m.Name, m.Description ?? "", m.Owner ?? "", v.Algorithm ?? "", v.Reason,
            .. m.Tags.Concat(v.Tags).SelectMany(t => new[] { t.Key, t.Value }),
            .. m.Sections.Concat(v.Sections).Select(s => s.Value.Text),
        ];
        bool Is(string? text, MatchFilter match) => text is not null && new Wildcard(match.Pattern, match.MatchCase).Matches(text);
        switch (filter)
        {
            case AndFilter and:
                return and.Items.All(i => Passes(v, i));
            case OrFilter or:
                return or.Items.Any(i => Passes(v, i));
            case NotFilter not:
                return !Passes(v, not.Inner);
            case WordFilter word:
                return TextTokens.Cut(word.Text).All(w => parts.Any(p => TextTokens.Cut(p).Any(t => t.StartsWith(w, StringComparison.Ordinal))));
            case PhraseFilter phrase:
                return parts.Any(p => $" {string.Join(' ', TextTokens.Cut(p))} ".Contains($" {string.Join(' ', TextTokens.Cut(phrase.Text))} ", StringComparison.Ordinal));
            case NumberFilter number:
                double? value = number.Field switch
                {
                    NumberField.Metric => v.Metrics.Where(x => x.Key == number.Key).Select(x => (double?)x.Value.Value).SingleOrDefault(),
                    NumberField.Rating => m.Feedback.Ratings.Average(r => (double?)r.Value.Stars),
                    NumberField.Ratings => m.Feedback.Ratings.Count,
                    NumberField.Requests => m.Feedback.Requests.Count(r => r.Value.Answer is null),
                    _ => v.Number,
                };
                return number.Comparison switch
                {
                    CatalogComparison.Equal => value == number.Value,
                    CatalogComparison.NotEqual => value != number.Value && value is not null,
                    CatalogComparison.Less => value < number.Value,
                    CatalogComparison.LessOrEqual => value <= number.Value,
                    CatalogComparison.Greater => value > number.Value,
                    _ => value >= number.Value,
                };
            case TimeFilter time:
                return v.At > time.Ticks;
            case AgeFilter age:
                return Now - v.At < age.Minutes * TimeSpan.TicksPerMinute;
            case FlagFilter flag:
                return flag.Wanted == flag.Field switch
                {
                    FlagField.Live => m.Hosts.Any(h => h.Value == v.Number),
                    FlagField.Deprecated => v.Deprecated,
                    _ => v.Approvals.Count > 0,
                };
            case MatchFilter match:
                return match.Field switch
                {
                    MatchField.Model => Is(m.Name, match),
                    MatchField.Alias => m.Aliases.Any(a => a.Value == v.Number && Is(a.Key, match)),
                    MatchField.Owner => Is(m.Owner, match),
                    MatchField.Stage => Is(v.StageName, match),
                    MatchField.State => Is(v.Deleted ? "deleted" : v.Status.ToString(), match),
                    MatchField.Task => v.Task is { } task && Is(task.ToString(), match),
                    MatchField.Drift => Is(v.Drift.ToString(), match),
                    MatchField.Tag when match.Key is null => m.Tags.Concat(v.Tags).Any(t => Is(t.Key, match)),
                    _ => Is(v.Tags.Concat(m.Tags).Where(t => t.Key == match.Key).Select(t => t.Value).FirstOrDefault(), match),
                };
            default:
                return true;
        }
    }
}

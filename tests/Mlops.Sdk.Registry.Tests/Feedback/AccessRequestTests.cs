using Microsoft.Extensions.DependencyInjection;
using Mlops.Sdk.Registry.Tests.Catalog;
using Mlops.Sdk.Testing;
using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Registry.Tests.FeedbackOfPeople;

public sealed class AccessRequestTests
{
    private readonly TestStore _store = new();

    [Fact]
    public async Task A_model_is_asked_for_answered_rated_and_found_by_its_rating()
    {
        await using TestWorkspace workspace = await _store.OpenAsync(new Actor("carl"));
        await workspace.RegisterAsync("fraud");
        ModelDiscovery discovery = Discover(workspace);
        #region feedback
        // carl asks
        AccessRequest asked = await discovery.RequestAccessAsync("fraud", "to mark claims of the northern branch");
        #endregion
        workspace.Actors.Current = new Actor("ann");
        #region answer
        // ann, who answers for the model, looks what is open and says yes
        foreach (AccessRequest open in await discovery.AccessRequestsAsync("fraud"))
        {
            await discovery.AnswerAccessAsync(open.Id, granted: true, $"{open.By} is in the claims team");
        }
        #endregion
        workspace.Actors.Current = new Actor("carl");
        #region rate
        RatingSummary rating = await discovery.RateAsync("fraud", 5, "half the claims need no second look");
        CatalogPage liked = await discovery.Catalog.SearchAsync("rating>=4 -requests>0");
        #endregion
        AccessRequest answered = Assert.Single(await discovery.AccessRequestsAsync(openOnly: false));
        Assert.Equal((asked.Id, "fraud", "carl", "to mark claims of the northern branch"), (answered.Id, answered.Model, answered.By.Id, answered.Reason));
        Assert.Equal((true, "ann", "carl is in the claims team"), (answered.Answer!.Granted, answered.Answer.By.Id, answered.Answer.Reason));
        Assert.Empty(await discovery.AccessRequestsAsync());
        CatalogHit hit = Assert.Single(liked.Hits);
        Assert.Equal((rating, 1, 0), (hit.Rating, hit.AccessRequests, hit.OpenAccessRequests));
        Assert.Equal([LedgerKinds.AccessRequested, LedgerKinds.AccessAnswered, LedgerKinds.ModelRated], (await workspace.EntriesAsync()).Skip(1).Select(e => e.Kind));
        LedgerEntry entry = (await workspace.EntriesAsync())[(int)asked.Entry];
        Assert.Equal((asked.Id, asked.At, asked.Reason), (entry.Id, entry.Time, entry.Reason));
    }

    [Fact]
    public async Task Who_asked_cannot_grant_it_and_may_withdraw_it()
    {
        await using TestWorkspace workspace = await _store.OpenAsync(new Actor("carl"));
        await workspace.RegisterAsync("fraud");
        ModelDiscovery discovery = Discover(workspace);
        AccessRequest asked = await discovery.RequestAccessAsync("fraud", "work");
        foreach (Actor self in (Actor[])[new("carl"), new(" CARL"), new("portal", ActorKind.Service, OnBehalfOf: "carl"), new("carl", OnBehalfOf: "ann")])
        {
            workspace.Actors.Current = self;
            Assert.Equal("catalog.self_granted", (await Assert.ThrowsAsync<MlopsDeniedException>(async () => await discovery.AnswerAccessAsync(asked.Id, granted: true, "I may"))).Code);
            Assert.Equal(LedgerOutcome.Denied, (await workspace.EntriesAsync())[^1].Outcome);

            // a view that was not told who acts finds out after the writing, and the entry counts for nothing
            Assert.Equal("catalog.self_granted", (await Assert.ThrowsAsync<MlopsDeniedException>(async () => await CatalogSearchTests.Discover(workspace).AnswerAccessAsync(asked.Id, granted: true, "I may"))).Code);
            Assert.Null(Assert.Single(await discovery.AccessRequestsAsync()).Answer);
        }

        workspace.Actors.Current = new Actor("carl");
        Assert.False((await discovery.AnswerAccessAsync(asked.Id, granted: false, "no longer needed")).Answer!.Granted);
        Assert.Empty(await discovery.AccessRequestsAsync("fraud"));
    }

    [Fact]
    public async Task An_answer_stands_and_the_same_again_writes_nothing()
    {
        await using TestWorkspace workspace = await _store.OpenAsync(new Actor("carl"));
        await workspace.RegisterAsync("fraud");
        ModelDiscovery discovery = Discover(workspace);
        AccessRequest asked = await discovery.RequestAccessAsync("fraud", "work");
        Assert.Equal(asked, await discovery.RequestAccessAsync("fraud", "work"));
        workspace.Actors.Current = new Actor("ann");
        AccessRequest answered = await discovery.AnswerAccessAsync(asked.Id, granted: false, "not yours");
        int entries = (await workspace.EntriesAsync()).Count;
        Assert.Equal(answered, await discovery.AnswerAccessAsync(asked.Id, granted: false, "not yours"));
        Assert.Equal("catalog.request_answered", (await Assert.ThrowsAsync<MlopsConflictException>(async () => await discovery.AnswerAccessAsync(asked.Id, granted: true, "well"))).Code);
        workspace.Actors.Current = new Actor("dora");
        Assert.Equal("catalog.request_answered", (await Assert.ThrowsAsync<MlopsConflictException>(async () => await discovery.AnswerAccessAsync(asked.Id, granted: false, "not yours"))).Code);
        Assert.Equal(entries, (await workspace.EntriesAsync()).Count);

        workspace.Actors.Current = new Actor("carl");
        AccessRequest again = await discovery.RequestAccessAsync("fraud", "work");
        Assert.NotEqual(asked.Id, again.Id);
        Assert.Equal([again], await discovery.AccessRequestsAsync());
        workspace.Actors.Current = new Actor("ann");
        Assert.Equal("catalog.request_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await discovery.AnswerAccessAsync(asked.Id, granted: true, "well"))).Code);
        await discovery.AnswerAccessAsync(again.Id, granted: true, "well");
        Assert.Equal(
            [("open", null), ("refused", "open"), ("open", null), ("granted", "open")],
            (await workspace.Registry.ChangesAsync("fraud")).Skip(1).Select(c => (c.To, c.From)));
    }

    [Fact]
    public async Task Unknown_models_unknown_requests_and_blank_reasons_are_refused_and_write_nothing()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync("fraud");
        await workspace.AppendAsync(LedgerKinds.ModelDescribed, new DescriptionNote("planned", "comes later", null), CatalogSearchTests.Model("planned"));
        ModelDiscovery discovery = Discover(workspace);
        AccessRequest asked = await discovery.RequestAccessAsync("fraud", "work");
        foreach (string model in (string[])["none", "planned", "Fraud"])
        {
            Assert.Equal("registry.version_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await discovery.RequestAccessAsync(model, "why"))).Code);
            Assert.Equal("registry.version_not_found", (await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await discovery.AccessRequestsAsync(model))).Code);
        }

        foreach (string id in (string[])["", "none", "../x", "a\0b", new string('x', 100_000)])
        {
            MlopsNotFoundException error = await Assert.ThrowsAsync<MlopsNotFoundException>(async () => await discovery.AnswerAccessAsync(id, granted: true, "why"));
            Assert.Equal("catalog.request_not_found", error.Code);
            Assert.InRange(error.Message.Length, 1, 400);
        }

        foreach ((string reason, string code) in ((string, string)[])[("", "ledger.reason_required"), (" \t", "ledger.reason_required"), (new string('x', 4_001), "ledger.invalid_entry"), ("a\uD800", "ledger.invalid_entry")])
        {
            Assert.Equal(code, (await Assert.ThrowsAsync<MlopsException>(async () => await discovery.RequestAccessAsync("fraud", reason))).Code);
            Assert.Equal(code, (await Assert.ThrowsAsync<MlopsException>(async () => await discovery.AnswerAccessAsync(asked.Id, granted: false, reason))).Code);
        }

        Assert.Equal("registry.invalid_name", (await Assert.ThrowsAsync<MlopsDataException>(async () => await discovery.RequestAccessAsync("a b", "why"))).Code);
        Assert.Equal("registry.invalid_name", (await Assert.ThrowsAsync<MlopsDataException>(async () => await discovery.AccessRequestsAsync("a b"))).Code);
        Assert.Equal(3, (await workspace.EntriesAsync()).Count);
    }

    [Fact]
    public async Task Any_text_comes_back_as_it_was_or_is_refused_with_a_code()
    {
        await using TestWorkspace workspace = await _store.OpenAsync();
        await workspace.RegisterAsync("fraud");
        ModelDiscovery discovery = Discover(workspace);
        string[] nasty = ["", " ", "a\nb", "a\0", "\uD800", "a\uDC00", "\U0001F600", "</td><script>alert(1)</script>", "| [x](javascript:1) |", "---\nlicense: evil", "'; drop", new('x', 4_000), new('x', 4_001), "\u202E", "ключ", " carl "];
        Gen<string> text = Gen.Frequency((3, RandomLedger.OneOf(nasty)), (2, Gen.String));
        int person = 0;
        await Gen.Select(text, text.Where(t => t.Length <= 256), Gen.Int[1, 5]).SampleAsync(
            async (reason, who, stars) =>
            {
                Actor actor = new($"{Interlocked.Increment(ref person)} {who}");
                workspace.Actors.Current = actor;
                try
                {
                    AccessRequest asked = await discovery.RequestAccessAsync("fraud", reason);
                    await discovery.RateAsync("fraud", stars, reason);
                    AccessRequest read = (await discovery.AccessRequestsAsync()).Single(r => r.Id == asked.Id);
                    Assert.Equal((reason, asked), (read.Reason, read));
                    ModelRating rating = (await discovery.RatingsAsync("fraud")).Ratings[0];
                    Assert.Equal((reason, stars, asked.By), (rating.Reason, rating.Stars, rating.By));
                    workspace.Actors.Current = new Actor("ann");
                    Assert.Equal(reason, (await discovery.AnswerAccessAsync(asked.Id, granted: true, reason)).Answer!.Reason);
                }
                catch (MlopsException refused) when (refused.Code is "ledger.reason_required" or "ledger.invalid_entry")
                {
                }
            },
            iter: 150,
            threads: 1);
        Assert.NotEmpty(await discovery.AccessRequestsAsync(openOnly: false));
        Assert.DoesNotContain("<script", (await discovery.Cards.CardAsync("fraud", 1)).ToHtml(), StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public async Task Of_two_hosts_that_answer_at_once_one_wins_and_no_rating_is_lost()
    {
        TestStore store = new(writersMeet: true);
        await using TestWorkspace one = await store.OpenAsync(new Actor("carl"));
        await using TestWorkspace other = await store.OpenAsync(new Actor("bob"));
        await one.RegisterAsync("fraud");
        ModelDiscovery first = Discover(one);
        ModelDiscovery second = Discover(other);
        for (int round = 0; round < 5; round++)
        {
            one.Actors.Current = new Actor("carl");
            AccessRequest asked = await first.RequestAccessAsync("fraud", $"round {round}");
            Assert.Equal(asked, Assert.Single(await second.AccessRequestsAsync()));
            one.Actors.Current = new Actor("ann");
            bool[] won = await Task.WhenAll(TryAsync(first, asked.Id, granted: true), TryAsync(second, asked.Id, granted: false));
            Assert.Single(won, w => w);
            Assert.Equal(won[0], Assert.Single(await second.AccessRequestsAsync(openOnly: false)).Answer!.Granted);
        }

        await Task.WhenAll(RateAllAsync(one, first, 0), RateAllAsync(other, second, 10));
        Assert.Equal((await first.RatingsAsync("fraud")).Summary, (await second.RatingsAsync("fraud")).Summary);
        Assert.Equal(20, (await first.RatingsAsync("fraud")).Summary!.Count);

        static async Task<bool> TryAsync(ModelDiscovery discovery, string id, bool granted)
        {
            try
            {
                await discovery.AnswerAccessAsync(id, granted, "looked at it");
                return true;
            }
            catch (MlopsConflictException lost)
            {
                Assert.Equal("catalog.request_answered", lost.Code);
                return false;
            }
        }

        static async Task RateAllAsync(TestWorkspace workspace, ModelDiscovery discovery, int from)
        {
            for (int i = from; i < from + 10; i++)
            {
                workspace.Actors.Current = new Actor($"p{i}");
                await discovery.RateAsync("fraud", 1 + (i % 5), "why");
            }
        }
    }

    [Fact]
    public async Task After_a_restart_over_a_folded_ledger_all_is_as_it_was()
    {
        InMemoryObjectStore store = new();
        LedgerOptions options = new() { SegmentCommits = 16, SnapshotEntries = 20 };
        TestActors actors = new(new Actor("ann"));
        string before = string.Empty;
        for (int opening = 0; opening < 3; opening++)
        {
            await using (ObjectLedger ledger = await ObjectLedger.OpenAsync(store, options, actors: actors))
            {
                await using TestWorkspace workspace = await OpenAsync(ledger);
                ModelDiscovery discovery = Discover(workspace);
                await discovery.Catalog.ListAsync();
                await workspace.RegisterAsync("fraud");
                Assert.Equal(before, opening == 0 ? string.Empty : await ShowAsync(discovery));
                for (int i = 0; i < 40; i++)
                {
                    actors.Current = new Actor($"p{(opening * 20) + i}");
                    AccessRequest asked = await discovery.RequestAccessAsync("fraud", $"opening {opening}");
                    await discovery.RateAsync("fraud", 1 + ((i + opening) % 5), $"opening {opening}");
                    actors.Current = new Actor("ann");
                    if (i % 3 != 0)
                    {
                        await discovery.AnswerAccessAsync(asked.Id, i % 3 == 1, "looked at it");
                    }

                    await ledger.WhenFoldedAsync(); // one that runs keeps the next from being begun
                }

                before = await ShowAsync(discovery);
                await ledger.RefreshAsync();
                await ledger.WhenFoldedAsync();
            }

            List<string> snapshots = [];
            await foreach (ObjectInfo item in store.ListAsync("ledger/snapshots/"))
            {
                snapshots.Add(item.Key.Value);
            }

            Assert.Contains(snapshots, k => k.Contains("catalog", StringComparison.Ordinal));
        }

        async Task<TestWorkspace> OpenAsync(ObjectLedger ledger)
        {
            ArtifactStore artifacts = new(store);
            return new TestWorkspace(ledger, artifacts, await ModelRegistry.CreateAsync(ledger, artifacts), actors);
        }

        static async Task<string> ShowAsync(ModelDiscovery discovery)
        {
            ModelRatings ratings = await discovery.RatingsAsync("fraud");
            CatalogHit hit = (await discovery.Catalog.ListAsync()).Hits[0];
            return string.Join('\n', [$"{ratings.Summary} {string.Join(',', ratings.Stars)} {hit.Rating} {hit.AccessRequests} {hit.OpenAccessRequests}", .. ratings.Ratings.Select(r => r.ToString()), .. (await discovery.AccessRequestsAsync(openOnly: false)).Select(r => r.ToString())]);
        }
    }

    [Fact]
    public async Task In_a_container_it_is_the_actor_of_the_container_who_asks_and_may_not_grant()
    {
        await using TestWorkspace workspace = await _store.OpenAsync(new Actor("somebody else"));
        await workspace.RegisterAsync("fraud");
        Builder builder = new();
        builder.Services.AddSingleton(workspace.Ledger).AddSingleton(workspace.Artifacts).AddSingleton<IActorAccessor>(new TestActors(new Actor("carl")));
        builder.AddRegistry();
        await using ServiceProvider provider = builder.Services.BuildServiceProvider(validateScopes: true);
        ModelDiscovery discovery = provider.GetRequiredService<ModelDiscovery>();
        AccessRequest asked = await discovery.RequestAccessAsync("fraud", "work");
        Assert.Equal("carl", asked.By.Id);
        Assert.Equal("catalog.self_granted", (await Assert.ThrowsAsync<MlopsDeniedException>(async () => await discovery.AnswerAccessAsync(asked.Id, granted: true, "I may"))).Code);
        LedgerEntry denied = (await workspace.EntriesAsync())[^1];
        Assert.Equal((LedgerOutcome.Denied, "carl"), (denied.Outcome, denied.Actor.Id));
    }

    [Fact]
    public async Task A_guard_that_says_no_is_obeyed_and_the_attempt_stands_in_the_ledger()
    {
        await using TestWorkspace workspace = await _store.OpenAsync(null, new Guard());
        await workspace.RegisterAsync("fraud");
        ModelDiscovery discovery = Discover(workspace);
        await Assert.ThrowsAsync<MlopsDeniedException>(async () => await discovery.RequestAccessAsync("fraud", "why"));
        await Assert.ThrowsAsync<MlopsDeniedException>(async () => await discovery.RateAsync("fraud", 3, "why"));
        Assert.Equal([LedgerKinds.AccessRequested, LedgerKinds.ModelRated], (await workspace.EntriesAsync()).Where(e => e.Outcome == LedgerOutcome.Denied).Select(e => e.Kind));
        Assert.Empty(await discovery.AccessRequestsAsync());
        Assert.Null((await discovery.RatingsAsync("fraud")).Summary);
    }

    internal static ModelDiscovery Discover(TestWorkspace workspace) => ModelDiscovery.Create(workspace.Ledger, workspace.Artifacts, workspace.Registry, actors: workspace.Actors);

    private sealed class Builder : IMlopsBuilder
    {
        public IServiceCollection Services { get; } = new ServiceCollection();
    }

    private sealed class Guard : ILedgerGuard
    {
        public void Check(LedgerDraft draft, IReadOnlyList<LedgerDraft> companions)
        {
            if (draft is { Outcome: LedgerOutcome.Done, Kind: LedgerKinds.AccessRequested or LedgerKinds.ModelRated })
            {
                throw new MlopsDeniedException("test.no", "not you");
            }
        }
    }
}

using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Governance.Tests;

public sealed class AccessTests
{
    private static readonly string[] Actions = [LedgerKinds.RunStarted, LedgerKinds.VersionRegistered, LedgerKinds.AliasMoved];
    private readonly TestStore _store = new();

    [Theory]
    [MemberData(nameof(Matrix))]
    public async Task Each_actor_may_do_exactly_what_the_policy_allows(string allowed, string tried)
    {
        await using (TestWorkspace setup = await _store.OpenAsync())
        {
            await setup.RegisterAsync();
        }

        Policy policy = new((actor, action, resource) => actor.Id == "eve" && action == allowed && resource.Name == "taxi-fare" ? null : "not in the role");
        await using TestWorkspace workspace = await _store.OpenAsync(new Actor("eve"), new AccessGuard(policy));
        int before = (await workspace.EntriesAsync()).Count;
        Func<Task> work = tried switch
        {
            LedgerKinds.RunStarted => async () => await workspace.Registry.StartRunAsync(new RunStart("taxi-fare", "e", "manual", "why")),
            LedgerKinds.VersionRegistered => () => workspace.RegisterAsync(content: "2"),
            _ => async () => await workspace.Registry.MoveAliasAsync("taxi-fare", "champion", 1, "why"),
        };
        if (allowed == tried)
        {
            await work();
            Assert.Equal((tried, LedgerOutcome.Done), Last(await workspace.EntriesAsync()));
        }
        else
        {
            MlopsDeniedException error = await Assert.ThrowsAsync<MlopsDeniedException>(work);
            Assert.Equal("governance.access_denied", error.Code);
            Assert.Contains("eve", error.Message, StringComparison.Ordinal);
            Assert.Contains("not in the role", error.Message, StringComparison.Ordinal);
            Assert.Equal((tried, LedgerOutcome.Denied), Last(await workspace.EntriesAsync()));
        }

        Assert.Equal(before + 1, (await workspace.EntriesAsync()).Count);
    }

    [Fact]
    public async Task A_policy_that_fails_lets_nothing_be_written()
    {
        await using TestWorkspace workspace = await _store.OpenAsync(new Actor("eve"), new AccessGuard(new Policy((_, _, _) => throw new InvalidDataException("policy file broken"))));
        await Assert.ThrowsAsync<InvalidDataException>(() => workspace.RegisterAsync());
        Assert.Empty(await workspace.EntriesAsync());
    }

    [Fact]
    public void An_unknown_actor_may_write_nothing()
    {
        LedgerDraft draft = new(LedgerKinds.RunStarted, new LedgerResource("run", "r"), "why", LedgerData.Of(new RunStart("r", "e", "t", "w")));
        Assert.Equal("governance.access_denied", Assert.Throws<MlopsDeniedException>(() => new AccessGuard(new AllowAllPolicy()).Check(draft, [draft])).Code);
        new AccessGuard(new AllowAllPolicy()).Check(draft with { Actor = new Actor("eve") }, [draft]);
    }

    public static TheoryData<string, string> Matrix()
    {
        TheoryData<string, string> all = [];
        foreach (string allowed in Actions)
        {
            foreach (string tried in Actions)
            {
                all.Add(allowed, tried);
            }
        }

        return all;
    }

    private static (string Kind, LedgerOutcome Outcome) Last(List<LedgerEntry> entries) => (entries[^1].Kind, entries[^1].Outcome);

    private sealed class Policy(Func<Actor, string, LedgerResource, string?> decide) : IAccessPolicy
    {
        public string? WhyNot(Actor actor, string action, LedgerResource resource) => decide(actor, action, resource);
    }
}

using Mlops.Sdk.Tests;

namespace Mlops.Sdk.Governance.Tests;

/// <summary>Random workflows of three versions and four people, on two processes, against a set that counts by the rule.</summary>
public sealed class QuorumPropertyTests
{
    private static readonly string[] People = ["ada", "bob", "cleo", "dan"];

    private static readonly Gen<(int Verb, int Who, int Version, int Process)[]> Workflow =
        Gen.Select(Gen.Int[0, 9], Gen.Int[0, 3], Gen.Int[1, 3], Gen.Int[0, 1]).Array[1, 30];

    [Fact]
    public async Task No_workflow_ever_promotes_without_a_quorum() =>
        await Gen.Select(Workflow, Gen.Int[0, 3]).SampleAsync((work, required) => RunAsync(work, required), iter: 1_000);

    private static async Task RunAsync((int Verb, int Who, int Version, int Process)[] work, int required)
    {
        TestStore store = new();
        ApprovalGuard[] guards = [Guard(required), Guard(required)];
        TestWorkspace[] both = [await store.OpenAsync(new Actor("ada"), guards[0]), await store.OpenAsync(new Actor("ada"), guards[1])];
        ApprovalService[] services = [new(both[0].Ledger, guards[0], both[0].Actors), new(both[1].Ledger, guards[1], both[1].Actors)];
        List<(string Author, HashSet<string> Approvers)> versions = [];
        int champion = 0;
        foreach ((int verb, int who, int number, int process) in work)
        {
            TestWorkspace at = both[process];
            at.Actors.Current = new Actor(People[who]);
            if (verb < 2)
            {
                await at.RegisterAsync(content: $"{versions.Count}");
                versions.Add((People[who], []));
            }
            else if (verb < 7)
            {
                string want = number > versions.Count ? "registry.version_not_found" : versions[number - 1].Author == People[who] ? "governance.may_not_approve" : "ok";
                Assert.Equal(want, await CodeAsync(async () => await services[process].ApproveAsync("taxi-fare", number, "fine")));
                if (want == "ok")
                {
                    versions[number - 1].Approvers.Add(People[who]);
                }
            }
            else
            {
                string want = number > versions.Count ? "registry.version_not_found"
                    : number != champion && versions[number - 1].Approvers.Count < required ? "governance.approval_required" : "ok";
                Assert.Equal(want, await CodeAsync(async () => await at.Registry.MoveAliasAsync("taxi-fare", "champion", number, "ship it")));
                champion = want == "ok" ? number : champion;
            }
        }

        foreach (TestWorkspace workspace in both)
        {
            Assert.Equal(champion, (await workspace.Registry.FindAliasAsync("taxi-fare", "champion"))?.Number ?? 0);
            await workspace.DisposeAsync();
        }
    }

    private static ApprovalGuard Guard(int required) => new(new GovernanceOptions { ApprovalsRequired = required });

    private static async Task<string> CodeAsync(Func<Task> work)
    {
        try
        {
            await work();
            return "ok";
        }
        catch (MlopsException e)
        {
            return e.Code;
        }
    }
}

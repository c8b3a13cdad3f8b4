using System.Globalization;

namespace Mlops.Sdk.Integration.Worker;

/// <summary>Counts with an alias: it names version n, and an increment moves it to n + 1 if it names n still. Says "ready", waits for a line, and says "moved TO" for each increment.</summary>
public static class AliasCounter
{
    public const string Model = "counted";

    public static async Task RunAsync(string folder, int tasks, int each)
    {
        MlopsWorkspace[] workspaces = await Task.WhenAll(Enumerable.Range(0, tasks).Select(_ => MlopsWorkspace.OpenAsync(folder)));
        Console.WriteLine("ready");
        await Task.Run(Console.ReadLine); // all processes begin at once
        int[] refused = await Task.WhenAll(workspaces.Select((workspace, task) => Task.Run(() => CountAsync(workspace, task, each))));
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"refused {refused.Sum()}"));
        foreach (MlopsWorkspace workspace in workspaces)
        {
            await workspace.DisposeAsync();
        }
    }

    private static async Task<int> CountAsync(MlopsWorkspace workspace, int task, int each)
    {
        int refused = 0;
        for (int i = 0; i < each;)
        {
            int now = (await workspace.Registry.FindAliasAsync(Model, MlopsWorkspace.Champion))?.Number ?? 0;
            try
            {
                AliasMove move = await workspace.Registry.MoveAliasAsync(Model, MlopsWorkspace.Champion, now + 1, $"{Environment.ProcessId}-{task}-{i}", expected: now);
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"moved {move.To}"));
                i++;
            }
            catch (MlopsConflictException moved) when (moved.Code == "registry.alias_moved")
            {
                refused++; // somebody was first: look again
            }
        }

        return refused;
    }
}

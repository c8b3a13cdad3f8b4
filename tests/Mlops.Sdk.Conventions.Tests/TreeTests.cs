using System.Text.RegularExpressions;

namespace Mlops.Sdk.Conventions.Tests;

/// <summary>What the tree must not hold.</summary>
public sealed partial class TreeTests
{
    [Fact]
    public void No_registry_host_and_no_absolute_path_of_a_machine_stands_in_any_file()
    {
        IEnumerable<string> offences =
            from file in new[] { "src", "tests", "samples", "benchmarks", "docs" }.SelectMany(folder => Repository.Files(folder, "*"))
                .Concat(Directory.EnumerateFiles(Repository.Root))
            where Path.GetExtension(file) is not (".png" or ".gz" or ".zip" or ".nupkg" or ".snupkg")
            where HostOrPath().IsMatch(File.ReadAllText(file))
            select Repository.Relative(file);
        Assert.Empty(offences);
    }

    [Fact]
    public void Tests_neither_sleep_nor_skip()
    {
        string self = Repository.Relative(Repository.Files("tests", $"{nameof(TreeTests)}.cs").Single());
        IEnumerable<string> offences =
            from file in Repository.Files("tests", "*.cs")
            where Repository.Relative(file) != self
            where SleepOrSkip().IsMatch(File.ReadAllText(file))
            select Repository.Relative(file);
        Assert.Empty(offences);
    }

    [Fact]
    public void Every_project_locks_its_packages()
    {
        IEnumerable<string> unlocked = new[] { "src", "tests", "samples", "benchmarks" }
            .SelectMany(folder => Repository.Files(folder, "*.csproj"))
            .Where(project => !File.Exists(Path.Combine(Path.GetDirectoryName(project)!, "packages.lock.json")))
            .Select(Repository.Relative);
        Assert.Empty(unlocked);
    }

    [GeneratedRegex(@"https?://[\w.]*(?:nuget|npmjs)|/home/\w+/|/r[o]ot/\w|[A-Z]:\\Users\\", RegexOptions.None, matchTimeoutMilliseconds: 5000)]
    private static partial Regex HostOrPath();

    [GeneratedRegex(@"Thread\.Sleep\(|Task\.Delay\(\d|Skip\s*=\s*""|Assert\.Skip", RegexOptions.None, matchTimeoutMilliseconds: 5000)]
    private static partial Regex SleepOrSkip();
}

using System.Xml.Linq;

namespace Mlops.Sdk.Conventions.Tests;

/// <summary>Holds docs/architecture.md, section 3: arrows go down only, siblings never meet, heavy dependencies stay in their own packages.</summary>
public sealed class DependencyDirectionTests
{
    private static readonly Dictionary<string, string[]> Allowed = new(StringComparer.Ordinal)
    {
        ["Mlops.Sdk.Core"] = [],
        ["Mlops.Sdk.Data"] = ["Mlops.Sdk.Core"],
        ["Mlops.Sdk.MLNet"] = ["Mlops.Sdk.Core", "Mlops.Sdk.Data"],
        ["Mlops.Sdk.Pipelines"] = ["Mlops.Sdk.Core", "Mlops.Sdk.Data", "Mlops.Sdk.MLNet"],
        ["Mlops.Sdk.LightGbm"] = ["Mlops.Sdk.Core", "Mlops.Sdk.Data", "Mlops.Sdk.MLNet", "Mlops.Sdk.Pipelines"],
        ["Mlops.Sdk.Registry"] = ["Mlops.Sdk.Core", "Mlops.Sdk.Data"],
        ["Mlops.Sdk.Serving"] = ["Mlops.Sdk.Core", "Mlops.Sdk.Data"],
        ["Mlops.Sdk.Monitoring"] = ["Mlops.Sdk.Core", "Mlops.Sdk.Data"],
        ["Mlops.Sdk.Governance"] = ["Mlops.Sdk.Core"],
        ["Mlops.Sdk.Azure"] = ["Mlops.Sdk.Core"],
        ["Mlops.Sdk.Testing"] = ["Mlops.Sdk.Core", "Mlops.Sdk.Data"],
        ["Mlops.Sdk"] =
        [
            "Mlops.Sdk.Core", "Mlops.Sdk.Data", "Mlops.Sdk.MLNet", "Mlops.Sdk.Pipelines", "Mlops.Sdk.LightGbm", "Mlops.Sdk.Registry",
            "Mlops.Sdk.Serving", "Mlops.Sdk.Monitoring", "Mlops.Sdk.Governance",
        ],
    };

    private static readonly string[] WithMLNet = ["Mlops.Sdk.MLNet", "Mlops.Sdk.Pipelines", "Mlops.Sdk.LightGbm"];

    public static TheoryData<string> Packages => [.. Projects().Keys];

    [Fact]
    public void Every_package_has_a_place_in_the_picture() => Assert.Equal(Allowed.Keys.Order(), Projects().Keys.Order());

    [Theory]
    [MemberData(nameof(Packages))]
    public void References_go_down_only(string package)
    {
        IEnumerable<string> found = References(package, "ProjectReference").Select(r => Path.GetFileNameWithoutExtension(r.Replace('\\', '/')));
        Assert.Empty(found.Except(Allowed[package]));
    }

    [Theory]
    [MemberData(nameof(Packages))]
    public void MLNet_reaches_users_only_through_the_packages_that_need_it(string package)
    {
        string[] heavy = [.. References(package, "PackageReference").Where(r => r.StartsWith("Microsoft.ML", StringComparison.Ordinal) || r == "LightGBM")];
        Assert.True(heavy.Length == 0 || WithMLNet.Contains(package), $"{package} references {string.Join(", ", heavy)}.");
    }

    [Theory]
    [MemberData(nameof(Packages))]
    public void Source_uses_no_namespace_of_a_package_it_may_not_know(string package)
    {
        // what a referenced package brings along is usable by the compiler: this looks at what is written
        string[] strangers = [.. Allowed.Keys.Where(other => other is not "Mlops.Sdk" and not "Mlops.Sdk.Core" && other != package && !Allowed[package].Contains(other))];
        IEnumerable<string> offences =
            from file in Repository.Files($"src/{package}", "*.cs")
            let text = File.ReadAllText(file)
            from stranger in strangers
            where text.Contains($"using {stranger};", StringComparison.Ordinal) || text.Contains($"namespace {stranger};", StringComparison.Ordinal)
            select $"{Repository.Relative(file)} knows {stranger}";
        Assert.Empty(offences);
    }

    private static Dictionary<string, string> Projects() => Repository.Files("src", "*.csproj")
        .ToDictionary(f => Path.GetFileNameWithoutExtension(f), f => f, StringComparer.Ordinal);

    private static IEnumerable<string> References(string package, string kind) => XDocument.Load(Projects()[package])
        .Descendants(kind).Select(e => (string?)e.Attribute("Include")).OfType<string>();
}

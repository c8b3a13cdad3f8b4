using System.Text.RegularExpressions;

namespace Mlops.Sdk.Conventions.Tests;

/// <summary>Documentation that cannot rot: its code is compiled code, its links lead somewhere, its error codes exist.</summary>
public sealed partial class DocumentationTests
{
    public static TheoryData<string> Pages => [.. Markdown().Select(Repository.Relative)];

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_code_block_is_a_region_or_a_whole_file_that_the_build_compiles(string page)
    {
        HashSet<string> compiled = [.. CompiledSnippets()];
        foreach (Match block in CSharpBlock().Matches(File.ReadAllText(Path.Combine(Repository.Root, page))))
        {
            string code = Normalise(block.Groups["code"].Value);
            Assert.True(compiled.Contains(code), $"This block of {page} is not the content of any #region (and no whole .cs file) in samples or tests:\n{code}");
        }
    }

    [Theory]
    [MemberData(nameof(Pages))]
    public void Every_relative_link_leads_to_a_file(string page)
    {
        string folder = Path.GetDirectoryName(Path.Combine(Repository.Root, page))!;
        IEnumerable<string> broken = Link().Matches(File.ReadAllText(Path.Combine(Repository.Root, page)))
            .Select(m => m.Groups["target"].Value.Split('#')[0])
            .Where(target => target.Length > 0 && !target.Contains("://", StringComparison.Ordinal))
            .Where(target => !Path.Exists(Path.Combine(folder, target)));
        Assert.Empty(broken);
    }

    [Fact]
    public void Every_error_code_in_the_source_is_explained_in_docs()
    {
        string page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "errors.md"));
        string[] codes = [.. Repository.Files("src", "*.cs").SelectMany(f => ErrorCode().Matches(File.ReadAllText(f))).Select(m => m.Groups["code"].Value).Distinct().Order()];
        Assert.True(codes.Length > 20, "The search for codes found hardly any: its pattern no longer fits the source.");
        Assert.Empty(codes.Where(code => !page.Contains($"`{code}`", StringComparison.Ordinal)));
    }

    [Fact]
    public void Docs_explain_no_error_code_that_is_gone()
    {
        string source = string.Concat(Repository.Files("src", "*.cs").Select(File.ReadAllText));
        IEnumerable<string> explained = DocumentedCode().Matches(File.ReadAllText(Path.Combine(Repository.Root, "docs", "errors.md"))).Select(m => m.Groups["code"].Value);
        Assert.Empty(explained.Where(code => !source.Contains($"\"{code}\"", StringComparison.Ordinal)));
    }

    private static IEnumerable<string> Markdown() =>
        Directory.EnumerateFiles(Repository.Root, "*.md").Concat(Repository.Files("docs", "*.md")).Concat(Repository.Files("samples", "*.md")).Concat(Repository.Files("src", "*.md"));

    private static IEnumerable<string> CompiledSnippets()
    {
        foreach (string file in Repository.Files("samples", "*.cs").Concat(Repository.Files("tests", "*.cs")))
        {
            string text = File.ReadAllText(file);
            yield return Normalise(text);
            foreach (Match region in Region().Matches(text))
            {
                yield return Normalise(region.Groups["code"].Value);
            }
        }
    }

    /// <summary>Takes out common indentation, blank lines at the ends and trailing blanks.</summary>
    private static string Normalise(string code)
    {
        string[] lines = [.. code.ReplaceLineEndings("\n").Split('\n').Select(l => l.TrimEnd())];
        int indent = lines.Where(l => l.Length > 0).Select(l => l.Length - l.TrimStart().Length).DefaultIfEmpty(0).Min();
        return string.Join('\n', lines.Select(l => l.Length >= indent ? l[indent..] : l)).Trim('\n');
    }

    [GeneratedRegex(@"^```csharp\r?\n(?<code>.*?)^```", RegexOptions.Multiline | RegexOptions.Singleline, matchTimeoutMilliseconds: 5000)]
    private static partial Regex CSharpBlock();

    [GeneratedRegex(@"^[ \t]*#region[^\n]*\n(?<code>.*?)^[ \t]*#endregion", RegexOptions.Multiline | RegexOptions.Singleline, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Region();

    [GeneratedRegex(@"\]\((?<target>[^)\s]+)\)", RegexOptions.None, matchTimeoutMilliseconds: 5000)]
    private static partial Regex Link();

    [GeneratedRegex(@"new (?:Mlops\w*Exception)\(\s*""(?<code>[a-z_]+\.[a-z_]+)""", RegexOptions.None, matchTimeoutMilliseconds: 5000)]
    private static partial Regex ErrorCode();

    [GeneratedRegex(@"^\| `(?<code>[a-z_]+\.[a-z_]+)`", RegexOptions.Multiline, matchTimeoutMilliseconds: 5000)]
    private static partial Regex DocumentedCode();
}

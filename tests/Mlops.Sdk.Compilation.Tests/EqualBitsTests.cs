using System.Runtime.InteropServices;
using Mlops.Sdk.Serving;

namespace Mlops.Sdk.Compilation.Tests;

public sealed class EqualBitsTests
{
    public static TheoryData<string> Models => [.. Trained.Names()];

    [Theory]
    [MemberData(nameof(Models))]
    public void A_compiled_model_gives_the_bits_of_the_model_on_test_rows_and_hostile_rows(string name)
    {
        (TestData data, ILoadedModel model) = Trained.Get(name);
        CompiledResult compiled = ProgramCompiler.TryCompile(model, model.Program, data.Probes(200));
        Assert.Null(compiled.Problem);
        Assert.True(compiled.Probes > 1_000);
        AssertEqualBits(model, compiled.Model, data, hostile: 5_000);
    }

    internal static void AssertEqualBits(ILoadedModel model, ILoadedModel compiled, TestData data, int hostile)
    {
        float[] expected = new float[model.Schema.Outputs.Count];
        float[] found = new float[expected.Length];
        int different = 0;
        foreach ((float[] numbers, string?[] texts) in data.TestRows().Concat(data.HostileRows(hostile, 99)))
        {
            model.Score(new ModelRow(numbers, texts), expected);
            compiled.Score(new ModelRow(numbers, texts), found);
            different += MemoryMarshal.AsBytes(expected.AsSpan()).SequenceEqual(MemoryMarshal.AsBytes(found.AsSpan())) ? 0 : 1;
        }

        Assert.Equal(0, different);
    }
}

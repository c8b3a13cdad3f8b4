namespace Mlops.Sdk;

/// <summary>Makes identifiers for runs, entries and predictions. Inject another one to make a run repeatable.</summary>
public interface IIdGenerator
{
    /// <summary>Makes an identifier that no other call on any machine makes.</summary>
    /// <returns>32 lower-case hexadecimal digits; ids made later sort later, to the millisecond.</returns>
    string NewId();
}
